"""Late labels, joined to predictions by request and row."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from evergreen.monitoring.label_files import ROW, keys, labels_in
from evergreen.monitoring.label_values import Parse
from evergreen.monitoring.left_out import LeftOut

Floats = NDArray[np.float64]


@dataclass
class Labels:
    """Labels in memory: 21 bytes each, by a hash of 64 bits of request and row.

    For a million predictions without a label and a million labels, the chance of one wrong match is
    5e-8. A label belongs to one prediction: the first that asks for it gets it.

    Attributes:
        keys: Sorted, shape [n].
        values: 0 or 1, the index of the class, or the value, shape [n].
        times: When they became known, in seconds since 1970, shape [n].
        repeated: The number of predictions with the request and row of a labelled one.
    """

    keys: NDArray[np.uint64]
    values: NDArray[np.float32]
    times: Floats
    repeated: int = 0

    def __post_init__(self) -> None:
        self._is_given = np.zeros(len(self.keys), bool)

    @classmethod
    def none(cls) -> Self:
        """Returns no labels."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.float32), np.empty(0))

    @classmethod
    def load(
        cls, folder: Path, after: datetime, now: datetime, left_out: LeftOut, parse: Parse
    ) -> Self:
        """Reads labels; of two for the same row, the later one counts.

        Args:
            folder: Has files with the columns `request_id`, `row`, `label`, and optionally `time`.
            after: Files written before this time hold no wanted labels.
            now: Labels that became known later do not count.
            left_out: Collects what cannot be read.
            parse: Parses the labels.
        """
        known = now.timestamp()
        parts = [part[part["time"] <= known] for part in labels_in(folder, after, left_out, parse)]
        rows = np.concatenate([np.empty(0, ROW), *parts])
        del parts
        order = np.lexsort((rows["time"], rows["key"]))
        ordered = rows["key"][order]
        order = order[np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]]
        # Separate arrays, since searching a column of a structured array copies it each time.
        return cls(rows["key"][order], rows["label"][order], rows["time"][order])

    def join(self, request_ids: pa.Array, rows: pa.Array) -> tuple[Floats, Floats]:
        """Returns label and time of each row, NaN without a label; both of shape [n]."""
        nothing = np.full(len(rows), np.nan)
        if not len(self.keys):
            return nothing, nothing
        asked = keys(request_ids, rows)
        places = np.minimum(np.searchsorted(self.keys, asked), len(self.keys) - 1)
        known = self.keys[places] == asked
        new = np.flatnonzero(known & ~self._is_given[places])
        first = new[np.unique(places[new], return_index=True)[1]]
        self.repeated += int(known.sum()) - len(first)
        self._is_given[places[first]] = True
        values, times = nothing.copy(), nothing.copy()
        values[first], times[first] = self.values[places[first]], self.times[places[first]]
        return values, times
