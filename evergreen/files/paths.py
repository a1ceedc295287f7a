"""What a path, and the file at it, are: looked at without opening it."""

import os
from pathlib import Path

PATTERN = frozenset("*?[]\\")
"""Characters of a path that `tf.io.gfile.glob` takes for a pattern, in restoring a model too."""


def pattern_in(path: Path | str) -> str:
    """Returns the characters of a path that TensorFlow takes for a pattern; empty if there is none.

    It would find nothing below such a folder, or what is below another.
    """
    return "".join(sorted(PATTERN & set(str(path))))


def identity(file: Path) -> tuple[int, int, int] | None:
    """Returns what tells a file from another one at its place; None if it cannot be looked at.

    Links are followed: secrets that a cluster mounts are links, and change by them.
    """
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def is_open_to_others(file: Path) -> bool:
    """Tells whether others than its owner, or than this process by its group, may use a file.

    A secret that Kubernetes mounts belongs to root, and is read by the `fsGroup` of its pod: by a
    group that this process is in without owning the file. Where it is the owner, whoever else is
    in the group is another.
    """
    found = file.stat()
    by_group = found.st_uid != os.geteuid() and found.st_gid in {os.getegid(), *os.getgroups()}
    return bool(found.st_mode & (0o007 if by_group else 0o077))
