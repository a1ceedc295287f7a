"""Parquet files of predictions, written completely or not at all."""

import base64
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.serving.gateway.prediction_log.entries import Entry
from evergreen.serving.gateway.prediction_log.reader import Prediction
from evergreen.settings.gateway import PredictionLogSettings

SCHEMA = pa.schema(
    [
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("row", pa.int32(), nullable=False),
        pa.field("time", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("version", pa.int64()),
        pa.field("arm", pa.string(), nullable=False),
        pa.field("signature", pa.string(), nullable=False),
        pa.field("features", pa.string(), nullable=False),
        pa.field("outputs", pa.string(), nullable=False),
    ]
)
"""One row for each row of a request; `features` and `outputs` are JSON objects."""
MAX_BYTES = 64 * 2**20
"""The most JSON to keep in memory before writing."""
MICROSECONDS = 1_000_000
Row = tuple[Any, ...]
UNFIT = (pa.ArrowException, TypeError, ValueError, OverflowError)
"""The errors of Arrow for values that do not have a column's type."""


@dataclass(eq=False)
class Files:
    """Collects rows, and writes them to a new file when there are many, or after some time.

    Args:
        folder: The root, with one folder of files per day, `date=2026-01-31`.
        settings: The limits of a file.
        clock: Seconds from any start.
    """

    _folder: Path
    _settings: PredictionLogSettings
    _clock: Callable[[], float]
    _rows: list[Row] = field(default_factory=list)
    _bytes: int = 0

    def __post_init__(self) -> None:
        self._began = self._clock()

    def add(self, entry: Entry, prediction: Prediction) -> None:
        """Adds a prediction."""
        if not self._rows:
            self._began = self._clock()
        shared = (
            int(entry.time * MICROSECONDS),
            prediction.model,
            prediction.version,
            entry.arm,
            prediction.signature,
        )
        pairs = zip(prediction.features, prediction.outputs, strict=True)
        for row, texts in enumerate((_json(inputs), _json(outputs)) for inputs, outputs in pairs):
            self._rows.append((entry.request_id, row, *shared, *texts))
            self._bytes += sum(map(len, texts))

    @property
    def is_due(self) -> bool:
        """Whether it is time to write."""
        return bool(self._rows) and (
            len(self._rows) >= self._settings.rotate_rows
            or self._bytes >= MAX_BYTES
            or self._clock() - self._began >= self._settings.rotate_seconds
        )

    def write(self) -> "Written":
        """Writes the collected rows, and forgets them.

        Raises:
            WriteError: If they cannot be written. They are lost, but later rows may be written.
        """
        rows, self._rows, self._bytes = self._rows, [], 0
        table = _table(rows)
        if table.num_rows:
            try:
                _write(table, self._target())
            except OSError as error:
                raise WriteError(len(rows), error) from error
        return Written(table.num_rows, len(rows) - table.num_rows)

    def _target(self) -> Path:
        now = datetime.now(UTC)
        name = f"{now:%H%M%S}-{uuid.uuid4().hex[:12]}.parquet"
        return self._folder / f"date={now:%Y-%m-%d}" / name


class Written(NamedTuple):
    """The number of rows written, and of rows that did not fit."""

    rows: int
    refused: int


class WriteError(Exception):
    """Raised for rows that could not be written, with the reason."""

    def __init__(self, rows: int, cause: OSError) -> None:
        super().__init__(f"{cause.strerror or cause}")
        self.rows = rows


def _table(rows: Sequence[Row]) -> pa.Table:
    """Returns a table of the rows, without foreign ones that do not fit."""
    try:
        return _as_table(rows)
    except UNFIT:
        return _as_table([row for row in rows if _fits(row)])


def _fits(row: Row) -> bool:
    try:
        _as_table([row])
    except UNFIT:
        return False
    return True


def _as_table(rows: Sequence[Row]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _write(table: pa.Table, target: Path) -> None:
    """Writes under a name that readers ignore, then renames; only the owner may read it."""
    hidden = target.with_name(f".{target.name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(hidden, "wb", opener=_for_owner) as stream:
            pq.write_table(table, stream, compression="zstd")
            stream.flush()
            os.fsync(stream.fileno())
        hidden.rename(target)
    except OSError:
        hidden.unlink(missing_ok=True)
        raise


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _json(values: Any) -> str:
    return orjson.dumps(
        values, _unknown, orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    ).decode()


def _unknown(value: Any) -> Any:
    """Converts values that JSON does not have: bytes to text, or else base64; arrays to lists."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode()}
    return value.tolist()
