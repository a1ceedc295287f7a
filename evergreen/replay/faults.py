"""Upstream faults that a replay injects from one span on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2

from evergreen.errors import DataError, choose
from evergreen.quality.schema import in_requests, load_curated
from evergreen.settings import Settings
from evergreen.settings.task import Task

SEED = 1
KILOMETRES = 1.609344
WRONG = 0.3
"""The share of labels that become wrong."""
RENAMED = "_renamed"


class Fault(StrEnum):
    """A kind of failure that occurs in practice."""

    SCHEMA = "schema"  # a column is renamed
    UNIT = "unit"  # a number has another unit, unannounced: kilometres for miles
    UPSTREAM = "upstream"  # a column is empty
    LABEL = "label"  # the relation between features and label changes


@dataclass(frozen=True)
class Injected:
    """A fault, and where it happens.

    Attributes:
        fault: The kind of failure.
        column: The column that it happens to; empty if it happens to the labels.
    """

    fault: Fault
    column: str = ""

    @classmethod
    def parse(cls, text: str, settings: Settings) -> Self:
        """Parses `FAULT` or `FAULT:COLUMN`.

        Without a column, it is the first one in requests of the type that the fault needs: a
        required one, a number, or a text.

        Raises:
            EvergreenError: If there is no such fault, or no such column in requests.
        """
        name, _, column = text.partition(":")
        fault = Fault(choose(name, Fault, "fault"))
        if fault is Fault.LABEL:
            return cls(fault)
        schema = load_curated(settings.data.table_schema)
        features = in_requests(schema, settings.monitoring.features)
        features = [known for known in features if known.name != settings.data.timestamp]
        fitting = [known.name for known in features if _FITS[fault](known)]
        if not fitting or (column and column not in fitting):
            raise DataError(
                f"--fault {text}: requests have no {column or 'column'} that it can happen to.",
                hint=f"It can happen to: {', '.join(fitting) or 'none of their columns'}.",
            )
        return cls(fault, column or fitting[0])

    def __str__(self) -> str:
        return f"{self.fault} of {self.column}" if self.column else self.fault.value


_FITS: Mapping[Fault, Callable[[schema_pb2.Feature], bool]] = {
    Fault.SCHEMA: lambda feature: feature.presence.min_fraction == 1,
    Fault.UNIT: lambda feature: feature.type == schema_pb2.FLOAT,
    Fault.UPSTREAM: lambda feature: feature.type == schema_pb2.BYTES,
}
_CHANGES: Mapping[Fault, Callable[[pa.Array], pa.Array]] = {
    Fault.UNIT: lambda values: pc.multiply(values, KILOMETRES).cast(values.type, safe=False),
    Fault.UPSTREAM: lambda values: pa.nulls(len(values), values.type),
}


def of_traffic(injected: Injected | None, rows: pa.Table) -> pa.Table:
    """Returns the rows as they arrive in requests."""
    if injected is None or injected.fault not in _CHANGES:
        return rows
    name = injected.column
    values = _CHANGES[injected.fault](rows.column(name).combine_chunks())
    return rows.set_column(rows.column_names.index(name), name, values)


def of_data(injected: Injected | None, rows: pa.Table) -> pa.Table:
    """Returns the rows as they land."""
    if injected and injected.fault is Fault.SCHEMA:
        column = injected.column
        names = [f"{name}{RENAMED}" if name == column else name for name in rows.column_names]
        return rows.rename_columns(names)
    return of_traffic(injected, rows)


def of_labels(
    injected: Injected | None, labels: NDArray[np.float64], task: Task, classes: int = 2
) -> NDArray[np.float64]:
    """Returns the labels as they arrive: classes become the next one, values change places.

    Args:
        injected: The fault, if there is one.
        labels: 0 or 1, the index of the class, or the value, shape [n].
        task: What the model predicts.
        classes: The number of classes.
    """
    if injected is None or injected.fault is not Fault.LABEL:
        return labels
    random = np.random.default_rng(SEED)
    wrong = random.random(len(labels)) < WRONG
    if task is Task.REGRESSION:
        found = labels.copy()
        found[wrong] = random.permutation(labels[wrong])
        return found
    return np.where(wrong, (labels + 1) % classes, labels)
