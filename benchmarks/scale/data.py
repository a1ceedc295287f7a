"""Trips of any number as files: what stock reads, and a span as ours wants it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv

from benchmarks.pipeline.variants import PERIOD
from benchmarks.scale.resampling import resample
from data.taxi import KEY_COLUMN
from evergreen.files import file_digest
from evergreen.spans import Format, Manifest
from evergreen.spans.layout import version_folder
from evergreen.spans.manifest import MANIFEST_NAME, Column, DataFile, content_digest

PART_ROWS = 500_000
SPAN = VERSION = 1


@dataclass(frozen=True)
class Trips:
    """Files of as many trips.

    Attributes:
        rows: How many.
        csv: A folder of CSV files with the sample's columns.
        spans: The root of the spans; there is one, the same rows with their keys, as CSV.
    """

    rows: int
    csv: Path
    spans: Path

    @property
    def span(self) -> Path:
        """The folder of the one span."""
        return version_folder(self.spans / PERIOD.value, SPAN, VERSION)

    @property
    def parts(self) -> list[Path]:
        """The files of the span."""
        return sorted(self.span.glob("part-*.csv"))


def make(folder: Path, rows: int) -> Trips:
    """Makes the files, unless they are there.

    Args:
        folder: They go below `<folder>/<rows>`.
        rows: How many trips.
    """
    target = folder / str(rows)
    if not target.is_dir():
        unfinished = target.with_name(f".{rows}")
        shutil.rmtree(unfinished, ignore_errors=True)
        _write(Trips(rows, unfinished / "csv", unfinished / "spans"))
        unfinished.rename(target)
    return Trips(rows, target / "csv", target / "spans")


def _write(trips: Trips) -> None:
    trips.csv.mkdir(parents=True)
    trips.span.mkdir(parents=True)
    names: list[str] = []
    batches = resample(trips.rows)
    for number in range(-(-trips.rows // PART_ROWS)):
        name = f"part-{number:05d}.{Format.CSV}"
        names = _write_part(batches, trips.csv / name, trips.span / name)
    files = tuple(
        DataFile(name=part.name, bytes=part.stat().st_size, sha256=file_digest(part))
        for part in trips.parts
    )
    manifest = Manifest(
        span=SPAN,
        version=VERSION,
        format=Format.CSV,
        sha256=content_digest(files),
        rows=trips.rows,
        files=files,
        columns=tuple(Column(name=name, type="string") for name in names),
        time_range=None,
        period=None,
    )
    (trips.span / MANIFEST_NAME).write_text(manifest.to_json())


def _write_part(batches: Iterator[pa.RecordBatch], plain: Path, keyed: Path) -> list[str]:
    """Writes up to `PART_ROWS` rows, without and with their keys; returns the names of columns."""
    rows, names = 0, []
    with plain.open("wb") as without, keyed.open("wb") as with_keys:
        for batch in batches:
            names = batch.schema.names
            _append(batch.drop_columns([KEY_COLUMN]), without, header=not rows)
            _append(batch, with_keys, header=not rows)
            rows += batch.num_rows
            if rows == PART_ROWS:
                break
    return names


def _append(batch: pa.RecordBatch, file: object, *, header: bool) -> None:
    """Text as it is: Arrow would put all of it in quotes, and it refuses what would need them."""
    if header:
        file.write(f"{','.join(batch.schema.names)}\n".encode())
    options = pcsv.WriteOptions(include_header=False, quoting_style="none")
    pcsv.write_csv(batch, file, options)
