"""A library for use cases on tables: from declared columns and a label it derives the rest.

A use case declares a `Table` and names two functions in its settings: a `preprocessing_fn` that
calls `preprocess`, and a `run_fn` that calls `train`. Any part can be replaced by other functions,
as in any TFX pipeline.
"""

from evergreen.settings.task import Task
from evergreen.tabular.features import Boolean, Category, Date, Hashed, Integer, Moment, Number
from evergreen.tabular.table import Label, Table, Weight

__all__ = [
    "Boolean",
    "Category",
    "Date",
    "Hashed",
    "Integer",
    "Label",
    "Moment",
    "Number",
    "Table",
    "Task",
    "Weight",
]
