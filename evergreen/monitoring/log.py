"""The gateway's log of predictions, read in batches of bounded size."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.json as pj

from evergreen.errors import DataError
from evergreen.monitoring.findings import Window

BATCH_ROWS = 65_536
COLUMNS = ["request_id", "row", "time", "version", "arm", "features", "outputs"]
ANSWERED = ("stable", "canary", "direct")
"""Arms whose answers somebody got; a copy to a shadow counts for nobody."""


@dataclass(frozen=True)
class Batch:
    """Rows of the log.

    Attributes:
        keys: `request_id` and `row`.
        features: A column each; null where there is no value.
        mistyped: Features that have values of another type than the schema's; they are left out.
        outputs: A column each.
    """

    keys: pa.Table
    features: pa.Table
    mistyped: frozenset[str]
    outputs: pa.Table


def versions(folder: Path, model: str, window: Window) -> dict[int, int]:
    """Counts the rows of a window by the version that answered."""
    counts: dict[int, int] = {}
    for batch in _rows(folder, model, window, None, ["version"]):
        for one in pc.value_counts(batch.column("version").drop_null()):
            version, count = one["values"].as_py(), one["counts"].as_py()
            counts[version] = counts.get(version, 0) + count
    return counts


def read(
    folder: Path, model: str, window: Window, version: int, types: Mapping[str, pa.DataType]
) -> Iterator[Batch]:
    """Yields what a version answered in a window.

    Args:
        folder: The root of the log.
        model: The model's name.
        window: The time.
        version: Who answered.
        types: Of the features, by name.

    Raises:
        DataError: If a file of the log cannot be read.
    """
    for batch in _rows(folder, model, window, version, COLUMNS):
        features, mistyped = _features(batch.column("features"), types)
        keys = pa.Table.from_batches([batch.select(["request_id", "row"])])
        yield Batch(keys, features, mistyped, _parse(batch.column("outputs"), pa.schema([])))


def _rows(
    folder: Path, model: str, window: Window, version: int | None, columns: list[str]
) -> Iterator[pa.RecordBatch]:
    if not folder.is_dir():
        return
    partitioning = ds.partitioning(pa.schema([("date", pa.string())]), flavor="hive")
    wanted = (
        (ds.field("date") >= f"{window.start:%Y-%m-%d}")
        # A file is written a while after the answers in it, on the next day at the latest.
        & (ds.field("time") >= pa.scalar(window.start))
        & (ds.field("time") < pa.scalar(window.end))
        & (ds.field("model") == model)
        & ds.field("arm").isin(ANSWERED)
    )
    if version is not None:
        wanted &= ds.field("version") == version
    try:
        dataset = ds.dataset(folder, format="parquet", partitioning=partitioning)
        # Read ahead by little: memory must not grow with the log.
        scanner = dataset.scanner(
            columns=columns,
            filter=wanted,
            batch_size=BATCH_ROWS,
            batch_readahead=1,
            fragment_readahead=1,
        )
        yield from (batch for batch in scanner.to_batches() if batch.num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{folder}: the log of predictions cannot be read: {error}",
            hint="Move the file that is named aside, and monitor again.",
        ) from error


def _features(texts: pa.Array, types: Mapping[str, pa.DataType]) -> tuple[pa.Table, frozenset[str]]:
    try:
        return _parse(texts, pa.schema(list(types.items()))), frozenset()
    except pa.ArrowInvalid:
        found = _parse(texts, pa.schema([]))
    good, bad = {}, set()
    for name in found.column_names:
        try:
            good[name] = found.column(name).cast(types.get(name, found.column(name).type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            bad.add(name)
    return pa.table(good), frozenset(bad)


def _parse(texts: pa.Array, schema: pa.Schema) -> pa.Table:
    options = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer")
    text = "\n".join(texts.to_pylist()).encode()
    # One block: columns that are null in one block and not in the next have no common type.
    blocks = pj.ReadOptions(use_threads=False, block_size=len(text) + 1)
    return pj.read_json(io.BytesIO(text), blocks, options)
