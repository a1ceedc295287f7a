"""Properties of paths, and of the files they lead to, found without opening the files."""

import os
from pathlib import Path

PATTERN = frozenset("*?[]\\")
"""Characters that `tf.io.gfile.glob` reads as a pattern, also when a model is restored."""


def pattern_in(path: Path | str) -> str:
    """Returns the characters of a path that TensorFlow reads as a pattern; empty if it has none.

    TensorFlow would find nothing below such a folder, or the content of another folder.
    """
    return "".join(sorted(PATTERN & set(str(path))))


def identity(file: Path) -> tuple[int, int, int] | None:
    """Returns values that differ when a file was replaced or changed; None if it is unreadable.

    Links are followed, since a cluster mounts secrets as links, and changes the links.
    """
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def is_open_to_others(file: Path) -> bool:
    """Returns whether users other than the owner, or members of another group, may use a file.

    Kubernetes mounts secrets as root's files, which the `fsGroup` of the pod may read: a group that
    this process is in without owning the file. If the process owns the file, the group counts as
    others.
    """
    found = file.stat()
    by_group = found.st_uid != os.geteuid() and found.st_gid in {os.getegid(), *os.getgroups()}
    return bool(found.st_mode & (0o007 if by_group else 0o077))
