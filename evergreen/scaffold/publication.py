"""Writes the files of a new use case: all of them or none, and never over existing ones.

The files are made in a hidden folder of the project and moved to their places by renaming; the
settings come last, so that a use case is known only when it is complete. If the process dies on the
way, the next one that creates a use case takes back what it finds.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from evergreen.errors import EvergreenError
from evergreen.files import sync, sync_tree
from evergreen.scaffold.names import check_name

STAGING = ".evergreen-new-"
JOURNAL = "targets.json"


def write(project: Path, name: str, files: Mapping[Path, str]) -> None:
    """Writes the files of a new use case.

    Args:
        project: The project's folder.
        name: The name of the use case.
        files: The content of each file, by its path below the project's folder; the last one
            makes the use case known.

    Raises:
        SettingsError: If the name is taken, even if it was free a moment ago.
        EvergreenError: If the files cannot be written; nothing is left.
    """
    with _locked(project):
        _take_back(project)
        check_name(project, name)
        staging = project / f"{STAGING}{name}"
        try:
            targets = _stage(staging, name, files)
            _move(project, staging, targets)
        except OSError as error:
            raise EvergreenError(
                f"{error.filename or project}: {error.strerror}; nothing was written.",
                hint="Make the project's folder writable, with some room on its disk.",
            ) from error
        finally:
            _take_back(project)


@contextmanager
def _locked(project: Path) -> Iterator[None]:
    """Lets one process at a time write a use case."""
    folder = os.open(project / "configs", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _stage(staging: Path, name: str, files: Mapping[Path, str]) -> list[Path]:
    """Writes the files below a folder; returns what is to be moved: folders of the name, files."""
    targets: dict[Path, None] = {}
    for path, text in files.items():
        file = staging / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        depth = path.parts.index(name) + 1 if name in path.parts else len(path.parts)
        targets[Path(*path.parts[:depth])] = None
    (staging / JOURNAL).write_text(json.dumps([str(target) for target in targets]))
    sync_tree(staging)
    return list(targets)


def _move(project: Path, staging: Path, targets: list[Path]) -> None:
    for target in targets:
        place = project / target
        place.parent.mkdir(parents=True, exist_ok=True)
        (staging / target).rename(place)
        sync(place.parent)


def _take_back(project: Path) -> None:
    """Removes the leftovers of a process that died; what it moved goes, unless all was moved."""
    for staging in project.glob(f"{STAGING}*"):
        journal = staging / JOURNAL
        targets = [Path(path) for path in json.loads(journal.read_text())] if _is(journal) else []
        moved = [target for target in targets if not (staging / target).exists()]
        if len(moved) < len(targets):
            for target in moved:
                _remove(project / target)
        _remove(staging)


def _is(journal: Path) -> bool:
    return journal.is_file() and journal.read_text().endswith("]")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
