"""Old files of runs, gateways and monitors that are not artifacts and may be removed.

Looks only at files with the names that these write; everything else in the folders stays.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore

from evergreen.files import OutsideError, Trash, below
from evergreen.lineage.claims import Claims
from evergreen.lineage.records import RunRecords
from evergreen.settings import Settings

DAY = re.compile(r"date=\d{4}-\d\d-\d\d")
PREDICTIONS = re.compile(r"\.?\d{6}-[0-9a-f]{12}\.parquet")
"""Includes files whose writer died."""
LOG = re.compile(r"run-\d{8}-\d{6}-\w+\.log")
RESULT = re.compile(r"\d{8}-\d{6}\.\d{6}-v\d+")


@dataclass(frozen=True)
class Old:
    """A removable file or folder of files.

    Attributes:
        kind: `predictions`, `monitoring`, `reports`, `logs` or `claims`.
        place: Its path.
        size: Its bytes.
    """

    kind: str
    place: Path
    size: int


@dataclass(frozen=True)
class _Kind:
    """A kind of file: its folder, its naming pattern, and how many days it is kept."""

    name: str
    folder: Path | None
    pattern: str
    days: int | None
    is_own: Callable[[Path], bool]


class OldFiles:
    """The old files of one project."""

    def __init__(self, settings: Settings, store: MetadataStore, now: datetime) -> None:
        """Reads nothing yet.

        Args:
            settings: Name the folders and the days to keep.
            store: The metadata store, which tells which runs have ended.
            now: The time from which age is counted.
        """
        self._records, self._now = RunRecords(store), now
        self._claims = Claims(settings.pipeline.root)
        keep, monitoring = settings.retention, settings.monitoring.folder
        self._kinds = (
            _Kind("predictions", settings.gateway.log.folder, "date=*", keep.predictions, _is_day),
            _Kind("monitoring", monitoring, "results/*", keep.monitoring, _is_past_result),
            _Kind("reports", settings.reports.folder, "*.html", keep.reports, self._is_report),
            _Kind("logs", settings.logs.folder, "run-*.log", keep.logs, _is_log),
        )

    def find(self) -> list[Old]:
        """Returns what may be removed; claims of ended runs may be at any age."""
        claims = (self._claims.file(name) for name in self._claims.names() if self._has_ended(name))
        aged = [(kind.name, place) for kind in self._kinds for place in self._of(kind)]
        return [
            Old(kind, place, _size(place))
            for kind, place in [*aged, *(("claims", file) for file in claims)]
        ]

    def remove(self, old: Old) -> bool:
        """Removes a file or folder if it may still be removed; returns whether it is gone."""
        if old.kind == "claims":
            return self._claims.forget(old.place.name)
        [kind] = [kind for kind in self._kinds if kind.name == old.kind]
        assert kind.folder is not None
        return Trash(kind.folder).remove(old.place, lambda: self._may_go(kind, old.place))

    def _of(self, kind: _Kind) -> Iterator[Path]:
        if kind.folder is None or kind.days is None:
            return
        for place in sorted(kind.folder.glob(kind.pattern)):
            if self._may_go(kind, place):
                yield place

    def _may_go(self, kind: _Kind, place: Path) -> bool:
        """Returns whether it is old and ours, or gone, in which case it was both."""
        assert kind.folder is not None
        assert kind.days is not None
        try:
            below(kind.folder, place)
        except OutsideError:
            return False
        if not place.exists():
            return True
        youngest = (self._now - timedelta(days=kind.days)).timestamp()
        return kind.is_own(place) and _changed(place) < youngest

    def _is_report(self, place: Path) -> bool:
        return place.is_file() and self._has_ended(place.stem)

    def _has_ended(self, run_id: str) -> bool:
        record = self._records.find(run_id)
        return record is not None and record.outcome is not None


def _is_day(place: Path) -> bool:
    """Returns whether a folder holds nothing but predictions."""
    return (
        bool(DAY.fullmatch(place.name))
        and place.is_dir()
        and all(PREDICTIONS.fullmatch(file.name) and file.is_file() for file in place.iterdir())
    )


def _is_past_result(place: Path) -> bool:
    """Returns whether this is a monitor's result for a window that a later result follows."""
    if not (RESULT.fullmatch(place.name) and place.is_dir()):
        return False
    return any(
        RESULT.fullmatch(sibling.name) and sibling.name > place.name
        for sibling in place.parent.iterdir()
    )


def _is_log(place: Path) -> bool:
    return bool(LOG.fullmatch(place.name)) and place.is_file()


def _files(place: Path) -> list[Path]:
    return [place, *place.rglob("*")] if place.is_dir() else [place]


def _changed(place: Path) -> float:
    """Returns when any of the files was last written, in seconds since 1970."""
    return max(file.lstat().st_mtime for file in _files(place))


def _size(place: Path) -> int:
    return sum(file.lstat().st_size for file in _files(place) if not file.is_dir())
