"""Our old files are removed, as the settings say, and nothing else."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evergreen.lineage.claims import Claims
from evergreen.lineage.old_files import OldFiles
from evergreen.lineage.records import RunRecords
from evergreen.runs.plan import Outcome
from evergreen.settings import Settings, load_settings
from tests.project import ROOT, places
from tests.unit.commands.asking import ask, last_line
from tests.unit.lineage.making import make_record, make_store

NOW = datetime.now(UTC)
RUN = "20260101-120000-abcdef"
KEPT = ("predictions", "monitoring", "reports", "logs")
OLD = [
    "predictions/date=2026-01-01/120000-0123456789ab.parquet",
    "predictions/date=2026-01-01/.120001-0123456789ab.parquet",
    "monitoring/results/20260101-120000.000001-v1/index.html",
    f"reports/{RUN}.html",
    "logs/run-20260101-120000-4711.log",
    f"logs/run-{RUN.rpartition('-')[0]}-abcdef.log",
]
STRANGE = [
    "predictions/date=2026-01-02/notes.txt",
    "predictions/date=2026-01-02/120000-0123456789ab.parquet",
    "predictions/mine/120000-0123456789ab.parquet",
    "monitoring/results/20260102-120000.000001-v1/index.html",  # the newest
    "monitoring/results/mine/index.html",
    "monitoring/metrics.prom",
    "monitoring/undelivered/0000000001.json",
    "reports/20260101-120000-999999.html",  # of another store
    "reports/mine.html",
    "logs/run-mine.log",
    "logs/other.log",
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path, *(f"retention.{kind}=30" for kind in KEPT))


def settings_of(folder: Path, *more: str) -> Settings:
    pairs = [*places(folder), f"metadata.sqlite={folder}/metadata.sqlite"]
    found = load_settings(ROOT, overrides=[*pairs, *more])
    assert found.gateway.log.folder == folder / "predictions"
    return found


def write(folder: Path, *names: str, days: float = 31) -> None:
    """Writes files that were last changed so many days ago, like the folders that they are in."""
    then = (NOW - timedelta(days=days)).timestamp()
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("text")
    for path in sorted(folder.rglob("*"), reverse=True):
        if not path.is_symlink():
            os.utime(path, (then, then))


def files(folder: Path) -> set[str]:
    found = (path for kind in KEPT for path in (folder / kind).rglob("*"))
    return {str(path.relative_to(folder)) for path in found if path.is_file()}


def old_files(settings: Settings, folder: Path) -> OldFiles:
    store = make_store(folder / "metadata.sqlite")
    if RunRecords(store).find(RUN) is None:
        RunRecords(store).create(make_record(RUN, outcome=Outcome.PUSHED))
        RunRecords(store).create(make_record("running"))
    return OldFiles(settings, store, NOW)


def test_what_is_old_and_ours_goes(settings: Settings, tmp_path: Path) -> None:
    write(tmp_path, *OLD, *STRANGE)
    old = old_files(settings, tmp_path)
    found = old.find()
    assert {file.kind for file in found} == set(KEPT)
    assert files(tmp_path) == {*OLD, *STRANGE}
    assert all(old.remove(file) for file in found)
    assert files(tmp_path) == set(STRANGE)
    assert old.find() == []
    assert not list(tmp_path.rglob(".trash"))


def test_what_is_younger_stays(settings: Settings, tmp_path: Path) -> None:
    write(tmp_path, *OLD, *STRANGE, days=29)
    assert old_files(settings, tmp_path).find() == []


def test_nothing_is_old_unless_the_settings_say_so(tmp_path: Path) -> None:
    write(tmp_path, *OLD, days=10_000)
    assert old_files(settings_of(tmp_path), tmp_path).find() == []


def test_what_was_written_to_meanwhile_stays(settings: Settings, tmp_path: Path) -> None:
    write(tmp_path, *OLD, *STRANGE)
    old = old_files(settings, tmp_path)
    found = old.find()
    (tmp_path / OLD[-2]).write_text("more")
    assert [file.place.name for file in found if not old.remove(file)] == [Path(OLD[-2]).name]
    assert OLD[-2] in files(tmp_path)


def test_links_are_not_followed(settings: Settings, tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/120000-0123456789ab.parquet", "elsewhere.log")
    for folder in ("predictions", "logs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "predictions/date=2026-01-01").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "logs/run-20260101-120000-1.log").symlink_to(tmp_path / "elsewhere.log")
    assert old_files(settings, tmp_path).find() == []


def test_claims_of_ended_runs_go_unless_somebody_holds_them(
    settings: Settings, tmp_path: Path
) -> None:
    claims, old = Claims(settings.pipeline.root), old_files(settings, tmp_path)
    for run_id in (RUN, "running", "of another store"):
        with claims.hold(run_id):
            pass
    [found] = old.find()
    assert (found.kind, found.place.name) == ("claims", RUN)
    with claims.hold(RUN):
        assert not old.remove(found)
    assert old.remove(found)
    assert claims.names() == ["of another store", "running"]
    with claims.hold(RUN):
        assert claims.is_held(RUN)


def test_the_command_shows_first(settings: Settings, tmp_path: Path) -> None:
    write(tmp_path, *OLD, *STRANGE)
    old_files(settings, tmp_path)
    words = ["gc", *(word for kind in KEPT for word in ("--set", f"retention.{kind}=30"))]
    shown = ask(tmp_path, *words)
    assert "5 old files may go" in shown.stdout
    assert "--keep 10 --yes" in last_line(shown)
    assert files(tmp_path) == {*OLD, *STRANGE}
    assert "5 old files removed" in ask(tmp_path, *words, "--yes").stdout
    assert files(tmp_path) == set(STRANGE)
