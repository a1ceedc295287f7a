"""Publishes spans completely or not at all.

Files are written and synced in a hidden staging folder beside the spans; one rename makes them a
version. A publisher that dies leaves only its staging folder, which nothing lists.
"""

import errno
import shutil
import time
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from evergreen.errors import DataError
from evergreen.files import file_digest, sync
from evergreen.spans.layout import (
    Span,
    list_versions,
    read_span,
    used_versions,
    version_folder,
)
from evergreen.spans.manifest import (
    MANIFEST_NAME,
    Column,
    DataFile,
    Format,
    Interval,
    Manifest,
    content_digest,
)
from evergreen.spans.periods import measure_time_range
from evergreen.spans.tables import write_table

_STAGING = ".staging-"
_ABANDONED_SECONDS = 24 * 3600  # no publisher works that long, so its process is dead


def publish_version(
    root: Path,
    number: int,
    table: pa.Table,
    fmt: Format = Format.PARQUET,
    *,
    timestamp_column: str | None = None,
    period: Interval | None = None,
) -> Span:
    """Publishes a table as a version of a span.

    If a version of the span has this content, that version is returned and nothing is written;
    otherwise the table becomes the next version. Publishers may run at the same time: each gets its
    own version number.

    Args:
        root: Folder of the spans, created if absent.
        number: Span number, 1 to 99999.
        table: The rows, at least one.
        fmt: File format to write.
        timestamp_column: Column to take the manifest's time range from.
        period: The calendar period of the span.

    Raises:
        DataError: The table has no rows, or the number does not fit the folder scheme.
    """
    version_folder(root, number, version=1)
    if not table.num_rows:
        raise DataError(f"span {number} has no rows", hint="Publish spans that hold data.")
    root.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(root)
    staging = root / f"{_STAGING}{uuid4().hex}"
    staging.mkdir()
    try:
        file = _stage_file(staging, table, fmt)
        draft = Manifest(
            span=number,
            version=1,
            format=fmt,
            sha256=content_digest([file]),
            rows=table.num_rows,
            files=(file,),
            columns=tuple(Column(name=f.name, type=str(f.type)) for f in table.schema),
            time_range=measure_time_range(table, timestamp_column),
            period=period,
        )
        return _claim_version(root, staging, draft)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _stage_file(staging: Path, table: pa.Table, fmt: Format) -> DataFile:
    path = staging / f"part-00000.{fmt}"
    write_table(table, path, fmt)
    sync(path)
    return DataFile(name=path.name, bytes=path.stat().st_size, sha256=file_digest(path))


def _claim_version(root: Path, staging: Path, draft: Manifest) -> Span:
    """Renames the staging folder to the next free version number."""
    while True:
        for span in list_versions(root, draft.span):
            if span.sha256 == draft.sha256:
                return span
        version = max(used_versions(root, draft.span), default=0) + 1
        target = version_folder(root, draft.span, version)
        _write_manifest(staging, draft.model_copy(update={"version": version}))
        target.parent.mkdir(exist_ok=True)
        try:
            staging.rename(target)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            continue
        sync(target.parent)
        sync(root)
        return read_span(target)


def _write_manifest(staging: Path, manifest: Manifest) -> None:
    path = staging / MANIFEST_NAME
    path.write_text(manifest.to_json(), encoding="utf-8")
    sync(path)
    sync(staging)


def _remove_abandoned(root: Path) -> None:
    for staging in root.glob(f"{_STAGING}*"):
        try:
            age = time.time() - staging.stat().st_mtime
        except FileNotFoundError:  # its publisher has just finished
            continue
        if age > _ABANDONED_SECONDS:
            shutil.rmtree(staging, ignore_errors=True)
