"""Cuts rows into the parts that a candidate is compared on."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evergreen.settings.slicing import Slicing

Value = str | float | None
Mask = NDArray[np.bool_]
MOST = 100
"""Parts by one feature."""


def parts(slicing: Slicing, columns: Mapping[str, Sequence[Value]]) -> Iterator[tuple[str, Mask]]:
    """Yields the parts of the rows: a name, and a mask of shape [n].

    A value that no row has is no part: its absence decides nothing. Of more than `MOST` values the
    rarer ones are one part: parts of a few rows decide nothing, and each costs time and a line.

    Args:
        slicing: How to cut.
        columns: Values of the raw features by row; None where missing.
    """
    values = columns[slicing.feature]
    names = np.array([_part(slicing, value) for value in values])
    found, places, counts = np.unique(names, return_inverse=True, return_counts=True)
    kept = most_frequent(counts)
    for place in kept:
        yield f"{slicing.feature} {found[place]}", places == place
    if rarer := len(found) - len(kept):
        yield f"{slicing.feature} {rare(rarer)}", ~np.isin(places, kept)


def most_frequent(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of the `MOST` largest counts, ascending; of equal ones the first."""
    return np.sort(np.argsort(-counts, kind="stable")[:MOST])


def rare(count: int) -> str:
    """What the part of the values is called that have no part of their own."""
    return f"({count:,} rarer values together)"


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
