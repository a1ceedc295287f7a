"""Labels that come late, joined to predictions by request and row."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from evergreen.monitoring.label_files import ROW, keys, labels_in
from evergreen.monitoring.left_out import LeftOut

Floats = NDArray[np.float64]


@dataclass
class Labels:
    """Labels in memory: 18 bytes each, by a hash of 64 bits of request and row.

    Among a million predictions without a label and a million labels, the chance of one wrong match
    is 5e-8. A label is of one prediction: it is given to the first that asks for it.

    Attributes:
        keys: Sorted, shape [n].
        values: 0 or 1, shape [n].
        times: Since when they are known, in seconds since 1970, shape [n].
        repeated: How many predictions had the request and row of one that has the label.
    """

    keys: NDArray[np.uint64]
    values: NDArray[np.int8]
    times: Floats
    repeated: int = 0

    def __post_init__(self) -> None:
        self._is_given = np.zeros(len(self.keys), bool)

    @classmethod
    def none(cls) -> Self:
        """No labels."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.int8), np.empty(0))

    @classmethod
    def load(cls, folder: Path, after: datetime, now: datetime, left_out: LeftOut) -> Self:
        """Reads labels; of two for the same row, the one known later counts.

        Args:
            folder: Of files with the columns `request_id`, `row`, `label`, and perhaps `time`.
            after: Files written before hold no label that is wanted.
            now: Labels that are known later do not count yet.
            left_out: Is told what cannot be read.
        """
        known = now.timestamp()
        parts = [part[part["time"] <= known] for part in labels_in(folder, after, left_out)]
        rows = np.concatenate([np.empty(0, ROW), *parts])
        del parts
        order = np.lexsort((rows["time"], rows["key"]))
        ordered = rows["key"][order]
        order = order[np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]]
        # Apart, since searching what is not contiguous copies it each time.
        return cls(rows["key"][order], rows["label"][order], rows["time"][order])

    def join(self, request_ids: pa.Array, rows: pa.Array) -> tuple[Floats, Floats]:
        """Returns label and time of each row, NaN where there is none; all of shape [n]."""
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
