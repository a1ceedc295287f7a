"""Divides rows into the slices on which candidates are compared."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evergreen.settings.slicing import Slicing

Value = str | float | None
Mask = NDArray[np.bool_]
MOST = 100
"""The most slices by one feature."""


def parts(
    slicing: Slicing, columns: Mapping[str, Sequence[Value]], least: int = 1
) -> Iterator[tuple[str, Mask]]:
    """Yields the slices of the rows: a name, and a mask of shape [n].

    A value that no row has makes no slice. Values with fewer than `least` rows share a slice,
    if there are several, and so do those beyond the `MOST` most frequent ones: alone they decide
    nothing, and each costs time and a line.

    Args:
        slicing: The way to slice.
        columns: Values of the raw features by row; None where missing.
        least: The fewest rows of a slice of its own.
    """
    values = columns[slicing.feature]
    names = np.array([_part(slicing, value) for value in values])
    found, places, counts = np.unique(names, return_inverse=True, return_counts=True)
    kept = most_frequent(counts)
    large = kept[counts[kept] >= least]
    if len(found) - len(large) > 1:
        kept = large
    for place in kept:
        yield f"{slicing.feature} {found[place]}", places == place
    if rarer := len(found) - len(kept):
        yield f"{slicing.feature} {rare(rarer)}", ~np.isin(places, kept)


def most_frequent(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the indices of the `MOST` largest counts, ascending; the first among equals."""
    return np.sort(np.argsort(-counts, kind="stable")[:MOST])


def rare(count: int) -> str:
    """Returns the name of the slice of values that have no slice of their own."""
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
