"""Labels in files as numbers, by task: 0 or 1, the index of a class, or a value."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.quality.columns import Read, booleans, numbers, texts, wholes
from evergreen.settings.task import Task

Parse = Callable[[pa.Array], Read]
"""Parses labels as float64; null where missing or refused."""
SHOWN = 5
"""The most classes that a refusal names."""
INFINITE = "is not finite"


def parser(task: Task, classes: Sequence[str]) -> Parse:
    """Returns the parser for the labels of a task.

    Args:
        task: What the model predicts.
        classes: The names of the classes, by index. A label is a name or, if it is no name, an
            index.
    """
    parsers: Mapping[Task, Parse] = {
        Task.BINARY: booleans,
        Task.MULTICLASS: partial(_classes, tuple(classes)),
        Task.REGRESSION: _values,
    }
    return lambda labels: _as_floats(parsers[task](labels))


def _classes(classes: Sequence[str], labels: pa.Array) -> Read:
    text, indices = texts(labels), wholes(labels).column
    known = pc.and_(pc.greater_equal(indices, 0), pc.less(indices, len(classes)))
    named = pc.index_in(text.column.cast(pa.string()), pa.array(classes, pa.string()))
    found = pc.coalesce(named.cast(pa.int64()), pc.if_else(known, indices, None))
    wrong = pc.and_(labels.is_valid(), found.is_null()).to_numpy(zero_copy_only=False)
    more = ", ..." if len(classes) > SHOWN else ""
    why = f"is no class ({', '.join(classes[:SHOWN])}{more}) nor the index of one"
    return Read(found, dict.fromkeys(wrong.nonzero()[0].tolist(), why))


def _values(labels: pa.Array) -> Read:
    """Refuses infinity, and what the float32 of models makes infinite."""
    read = numbers(labels)
    finite = pc.is_finite(read.column.cast(pa.float32(), safe=False))
    wrong = pc.invert(finite).fill_null(False).to_numpy(zero_copy_only=False)
    refused = dict.fromkeys(wrong.nonzero()[0].tolist(), INFINITE)
    return Read(pc.if_else(finite, read.column, None), refused | dict(read.refused))


def _as_floats(read: Read) -> Read:
    column = read.column
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return Read(column.cast(pa.float64()), read.refused)
