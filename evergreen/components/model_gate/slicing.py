"""Cuts rows into the parts that a candidate is compared on."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evergreen.components.model_gate.criteria import Slicing

Value = str | float | None
Mask = NDArray[np.bool_]


def parts(slicing: Slicing, columns: Mapping[str, Sequence[Value]]) -> Iterator[tuple[str, Mask]]:
    """Yields the parts of the rows: a name, and a mask of shape [n].

    A value that no row has is no part: its absence decides nothing.

    Args:
        slicing: How to cut.
        columns: Values of the raw features by row; None where missing.
    """
    values = columns[slicing.feature]
    names = np.array([_part(slicing, value) for value in values])
    for name in sorted(set(names)):
        yield f"{slicing.feature} {name}", names == name


def _part(slicing: Slicing, value: Value) -> str:
    if value is None:
        return "missing"
    if slicing.known:
        return "known"
    if not slicing.edges:
        return str(value)
    ends = [-np.inf, *slicing.edges, np.inf]
    index = int(np.searchsorted(slicing.edges, float(value), side="right"))
    low, high = ends[index], ends[index + 1]
    if low == -np.inf:
        return f"below {high:g}"
    return f"{low:g} and more" if high == np.inf else f"{low:g} to {high:g}"
