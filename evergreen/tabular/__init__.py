"""What use cases on tables share: declare columns and label once, and the rest follows.

A use case declares a `Table` and names two functions in its settings: a `preprocessing_fn` that
calls `preprocess`, and a `run_fn` that calls `train`. Any part can be replaced by functions of its
own, as for any TFX pipeline.
"""

from evergreen.tabular.features import Boolean, Category, Hashed, Integer, Moment, Number
from evergreen.tabular.table import Label, Table

__all__ = [
    "Boolean",
    "Category",
    "Hashed",
    "Integer",
    "Label",
    "Moment",
    "Number",
    "Table",
]
