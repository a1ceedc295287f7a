"""Goes through a window of the log once, and keeps what all measures need."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from evergreen.errors import DataError
from evergreen.monitoring.findings import Window
from evergreen.monitoring.labels import Labels
from evergreen.monitoring.log import Batch, read
from evergreen.monitoring.statistics import Feature, of_batch

Floats = NDArray[np.float64]
SLICES = 50
"""Values of one feature that are slices."""


@dataclass
class Live:
    """What a version saw and said in a window.

    Attributes:
        rows: How many rows.
        features: Statistics of each feature, a part for each batch.
        scores: What it said, [rows]; NaN where it said no number.
        labels: What was right, [rows]; NaN where that is not known yet.
        slices: `feature=value`, and where it is: bool [rows].
        mistyped: Features that came with values of another type.
    """

    rows: int = 0
    features: dict[str, list[Feature]] = field(default_factory=lambda: defaultdict(list))
    scores: Floats = field(default_factory=lambda: np.empty(0))
    labels: Floats = field(default_factory=lambda: np.empty(0))
    slices: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    mistyped: frozenset[str] = frozenset()

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Where both are known: what it said, and what was right."""
        return np.isfinite(self.labels) & np.isfinite(self.scores)


def look(
    log: Path,
    model: str,
    window: Window,
    version: int,
    types: Mapping[str, pa.DataType],
    labels: Labels,
    output: str,
    slices: Sequence[str],
) -> Live:
    """Reads a window of the log.

    Args:
        log: Its folder.
        model: The model's name.
        window: The time.
        version: Who answered.
        types: Of the features, by name.
        labels: Those that have come.
        output: The output that is a probability; empty if there is only one.
        slices: Features whose values are slices.

    Raises:
        DataError: If the log cannot be read, or has no such output.
    """
    live = Live()
    scores, found = [], []
    values: dict[str, list[pa.Array]] = defaultdict(list)
    for batch in read(log, model, window, version, types):
        live.rows += batch.keys.num_rows
        live.mistyped |= batch.mistyped
        for name, feature in of_batch(batch.features).items():
            live.features[name].append(feature)
        scores.append(_scores(batch, output))
        found.append(labels.join(batch.keys))
        for name in slices:
            values[name].append(_values(batch, name))
    if scores:
        live.scores, live.labels = np.concatenate(scores), np.concatenate(found)
    live.slices = dict(pair for name, parts in values.items() for pair in _slices(name, parts))
    return live


def _scores(batch: Batch, output: str) -> Floats:
    names = batch.outputs.column_names
    name = output or (names[0] if len(names) == 1 else "")
    if name not in names:
        raise DataError(
            f"which output is the probability: {name or 'there are several'}; the log has "
            f"{', '.join(names)}.",
            hint="Name it: monitoring.output.",
        )
    column = batch.outputs.column(name).combine_chunks()
    if pa.types.is_list(column.type):  # of one number
        column = pc.list_element(column, 0)
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _values(batch: Batch, name: str) -> pa.Array:
    if name not in batch.features.column_names:
        return pa.nulls(batch.keys.num_rows, pa.string())
    return batch.features.column(name).combine_chunks().cast(pa.string())


def _slices(name: str, parts: Sequence[pa.Array]) -> list[tuple[str, NDArray[np.bool_]]]:
    column = pa.chunked_array(parts, pa.string())
    counted = pc.value_counts(column.drop_null()).to_pylist()
    most = sorted(counted, key=lambda one: -int(one["counts"]))[:SLICES]
    return [
        (f"{name}={one['values']}", pc.fill_null(pc.equal(column, one["values"]), False).to_numpy())
        for one in most
    ]
