"""Labels that come late, joined to predictions by request and row."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray

from evergreen.errors import DataError

KEYS = ["request_id", "row"]
LABEL = "label"


class Labels:
    """All labels of a folder.

    Args:
        folder: Parquet and CSV files with the columns `request_id`, `row` and `label`.

    Raises:
        DataError: If a file cannot be read, or has not these columns.
    """

    def __init__(self, folder: Path) -> None:
        tables = [_read(file) for file in sorted(folder.glob("**/*"))] if folder.is_dir() else []
        known = [table for table in tables if table is not None]
        # A label that is corrected later comes in a later file; the last one counts.
        self._table = (
            pa.concat_tables(known)
            .group_by(KEYS, use_threads=False)
            .aggregate([(LABEL, "last")])
            .rename_columns([*KEYS, LABEL])
            if known
            else None
        )

    def join(self, keys: pa.Table) -> NDArray[np.float64]:
        """Returns the label of each row, NaN where there is none yet. Shape [n].

        Args:
            keys: `request_id` and `row`.
        """
        missing = np.full(keys.num_rows, np.nan)
        if self._table is None:
            return missing
        asked = keys.append_column("at", pa.array(np.arange(keys.num_rows)))
        found = asked.join(self._table, KEYS, join_type="inner")
        missing[found.column("at").to_numpy()] = found.column(LABEL).to_numpy()
        return missing


def _read(file: Path) -> pa.Table | None:
    kind = file.suffix.removeprefix(".")
    if kind not in ("parquet", "csv") or file.name.startswith("."):
        return None
    try:
        table = ds.dataset(file, format=kind).to_table(columns=[*KEYS, LABEL])
        return table.cast(
            pa.schema([("request_id", pa.string()), ("row", pa.int32()), (LABEL, pa.float64())])
        ).filter(pc.is_valid(pc.field(LABEL)))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, KeyError) as error:
        raise DataError(
            f"{file}: no file of labels: {error}",
            hint="It needs the columns request_id, row and label (0 or 1).",
        ) from error
