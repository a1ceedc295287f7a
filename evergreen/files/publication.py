"""Publishes folders so that no reader ever sees a partial one."""

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evergreen.errors import EvergreenError


def publish_folder(source: Path, target: Path) -> bool:
    """Copies a folder to its final place, completely or not at all.

    The copy is made in a hidden folder beside the target, forced to disk, and renamed. A process
    that dies midway leaves only the hidden folder, which the next attempt removes.

    Args:
        source: The folder to copy.
        target: Its final place, which must not exist with other content.

    Returns:
        Whether it was published now; False if the same content was there already.

    Raises:
        EvergreenError: If the target exists with other content. It is left unchanged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(target.parent, target.name)
    with _staging(target) as staging:
        shutil.copytree(source, staging, dirs_exist_ok=True)
        _make_readable(staging)
        sync_tree(staging)
        published = _rename(staging, target)
    if not published and digest_tree(source) != digest_tree(target):
        raise EvergreenError(
            f"{target}: exists already, with another content than {source}.",
            hint="A published version is never overwritten: publish under a new number.",
        )
    sync(target.parent)
    return published


def has_model(version: Path) -> bool:
    """Returns whether a folder holds a SavedModel; False if it cannot be read."""
    return os.path.isfile(version / "saved_model.pb")


def write_file(target: Path, text: str) -> None:
    """Writes or replaces a file, completely or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as folder:
        new = Path(folder, target.name)
        new.write_text(text, encoding="utf-8")
        sync(new)
        os.replace(new, target)
    sync(target.parent)


def private_folder(folder: Path) -> Path:
    """Creates a folder that only this user may open, and returns it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(PermissionError):  # it belongs to another user, who decides
        folder.chmod(0o700)
    return folder


def digest_tree(folder: Path) -> str:
    """Returns the SHA-256 over the names and contents of all files below a folder."""
    total = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(f"{file.relative_to(folder)}\0".encode())
        total.update(bytes.fromhex(file_digest(file)))
    return total.hexdigest()


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_tree(folder: Path) -> None:
    """Forces a folder, and all files and folders below it, to disk."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """Yields a hidden folder beside the target, locked as long as this process lives."""
    folder, lock = _locked_folder(target)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # already gone if it was renamed
        os.close(lock)


def _locked_folder(target: Path) -> tuple[Path, int]:
    """Returns a new folder and its lock; tries again if the folder was taken for abandoned."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f".staging-{target.name}-", dir=target.parent))
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def is_locked(path: Path) -> bool:
    """Returns whether a process holds an exclusive lock on a file; False if it does not exist."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def remove_abandoned(folder: Path, name: str = "*") -> None:
    """Removes the leftovers of dead publishers into a folder; `name` is the target's name."""
    for left, lock in _abandoned(folder, name):
        with suppress(FileNotFoundError):  # renamed to its final place meanwhile
            shutil.rmtree(left)
        os.close(lock)


def abandoned(folder: Path) -> list[Path]:
    """Returns the leftovers of dead publishers into a folder."""
    found = []
    for left, lock in _abandoned(folder, "*"):
        found.append(left)
        os.close(lock)
    return found


def _abandoned(folder: Path, name: str) -> Iterator[tuple[Path, int]]:
    """Yields leftovers with their locks; a living publisher holds the lock of its folder."""
    for left in folder.glob(f".staging-{name}-*"):
        if left.is_symlink():  # not made by a publisher
            continue
        try:
            lock = os.open(left, os.O_RDONLY)
        except FileNotFoundError:  # just renamed to its final place
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        yield left, lock


def _rename(staging: Path, target: Path) -> bool:
    """Renames unless the target exists, even if it appeared just now; returns whether it did."""
    try:
        staging.rename(target)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            return False
        raise
    return True


def _make_readable(folder: Path) -> None:
    """Lets the model server's user read the copy, whatever the source's modes."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def sync(path: Path) -> None:
    """Forces a file, or a folder's list of names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
