"""Upstream faults that a replay injects from one span on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from evergreen.errors import DataError

SEED = 1
KILOMETRES = 1.609344
FLIPPED = 0.3


class Fault(StrEnum):
    """A kind of failure that occurs in practice."""

    SCHEMA = "schema"  # a column is renamed
    UNIT = "unit"  # miles become kilometres, unannounced
    UPSTREAM = "upstream"  # a column is empty
    LABEL = "label"  # the relation between features and label changes


@dataclass(frozen=True)
class Columns:
    """The columns that the faults affect."""

    renamed: str = "fare"
    measured: str = "trip_miles"
    emptied: str = "company"


def of_traffic(fault: Fault | None, rows: pa.Table, columns: Columns) -> pa.Table:
    """Returns the rows as they arrive in requests."""
    changes: Mapping[Fault, Callable[[pa.Array], pa.Array]] = {
        Fault.UNIT: lambda values: pc.multiply(values, KILOMETRES).cast(values.type, safe=False),
        Fault.UPSTREAM: lambda values: pa.nulls(len(values), values.type),
    }
    if fault is None or fault not in changes:
        return rows
    name = _there(fault, rows, columns.measured if fault is Fault.UNIT else columns.emptied)
    values = rows.column(name).combine_chunks()
    return rows.set_column(rows.column_names.index(name), name, changes[fault](values))


def of_data(fault: Fault | None, rows: pa.Table, columns: Columns) -> pa.Table:
    """Returns the rows as they land."""
    if fault is Fault.SCHEMA:
        _there(fault, rows, columns.renamed)
        names = [f"{name}_usd" if name == columns.renamed else name for name in rows.column_names]
        return rows.rename_columns(names)
    return of_traffic(fault, rows, columns)


def _there(fault: Fault, rows: pa.Table, column: str) -> str:
    if column not in rows.column_names:
        raise DataError(
            f"--fault {fault}: the rows have no column {column}, which it happens to.",
            hint=f"Play another fault; the columns are: {', '.join(rows.column_names)}.",
        )
    return column


def of_labels(fault: Fault | None, labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the labels as they arrive."""
    if fault is not Fault.LABEL:
        return labels
    flipped = np.random.default_rng(SEED).random(len(labels)) < FLIPPED
    return np.where(flipped, 1 - labels, labels)
