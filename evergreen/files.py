"""Publishing folders so that nobody ever sees half of one."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from evergreen.errors import EvergreenError


def publish_folder(source: Path, target: Path) -> bool:
    """Copies a folder to its final place: all of it at once, or nothing.

    The copy is made in a hidden folder beside the target, forced to disk, and renamed. A process
    that dies on the way leaves only the hidden folder, which the next attempt removes.

    Args:
        source: The folder to copy.
        target: Its final place, which must not exist with another content.

    Returns:
        Whether it was published now; False if the same content was there already.

    Raises:
        EvergreenError: If the target exists with another content. It is left as it is.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for stale in target.parent.glob(f".staging-{target.name}-*"):
        shutil.rmtree(stale)
    staging = Path(tempfile.mkdtemp(prefix=f".staging-{target.name}-", dir=target.parent))
    staging.chmod(0o755)
    shutil.copytree(source, staging, dirs_exist_ok=True)
    sync_tree(staging)
    if not _rename(staging, target):
        shutil.rmtree(staging)
        if digest_tree(source) == digest_tree(target):
            return False
        raise EvergreenError(
            f"{target}: exists already, with another content than {source}.",
            hint="A published version is never overwritten: publish under a new number.",
        )
    _sync(target.parent)
    return True


def digest_tree(folder: Path) -> str:
    """Returns the SHA-256 over the names and contents of all files below a folder."""
    total = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(f"{file.relative_to(folder)}\0".encode())
        with file.open("rb") as content:
            total.update(hashlib.file_digest(content, "sha256").digest())
    return total.hexdigest()


def sync_tree(folder: Path) -> None:
    """Forces all files and folders below a folder, and itself, to disk."""
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _rename(staging: Path, target: Path) -> bool:
    if target.exists():
        return False
    try:
        staging.rename(target)
    except OSError:
        if target.exists():  # somebody else was faster
            return False
        raise
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
