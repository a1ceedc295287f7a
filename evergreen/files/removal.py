"""Removes lasting files and folders, always below a root and through its trash."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evergreen.errors import EvergreenError

TRASH = ".trash"
"""The folder below a root into which files are renamed before removal."""
MARK = ".made-anew"
"""A file that marks folders to remove before they are made again."""


class OutsideError(EvergreenError):
    """Raised when a path to remove is outside its root; it is left alone."""


def below(root: Path, place: Path) -> Path:
    """Returns a path relative to the root above it.

    Args:
        root: A folder; it may be reached through links.
        place: The path, which need not exist.

    Raises:
        OutsideError: If it is the root itself or not below it, contains `..`, or is or leads
            through a link below the root.
    """
    if ".." in place.parts:
        raise OutsideError(f"{place}: has `..` in it, and is left alone.")
    place = place.absolute()
    try:
        real_root, real = root.resolve(), place.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise OutsideError(f"{place}: leads nowhere, and is left alone: {error}") from error
    if real == real_root or not real.is_relative_to(real_root):
        raise OutsideError(f"{place}: is not below {root}, and is left alone.")
    relative = real.relative_to(real_root)
    depth = len(relative.parts)
    if place.parts[-depth:] != relative.parts or place.parents[depth - 1].resolve() != real_root:
        raise OutsideError(f"{place}: leads through a link, and is left alone.")
    return relative


class Trash:
    """A folder below a root where files and folders wait for removal, each moved by one rename.

    A process that dies midway leaves them whole, in their place or in the trash.
    """

    def __init__(self, root: Path) -> None:
        """Creates nothing yet."""
        self._root = root
        self.folder = root / TRASH

    def remove(self, place: Path, may_go: Callable[[], bool]) -> bool:
        """Removes a file or a folder if it may still be removed.

        Args:
            place: The file or folder, below the root.
            may_go: Called before the file is moved, and again when it is out of reach.

        Returns:
            Whether it is gone.

        Raises:
            OutsideError: As for `below`.
        """
        name = "-".join(below(self._root, place).parts)
        if not may_go():
            return False
        self.take(place, name)
        if not may_go():
            self.give_back(place, name)
            return False
        self.forget(name)
        return True

    def take(self, place: Path, name: str) -> None:
        """Renames a file or folder into the trash, if it exists.

        Raises:
            OutsideError: As for `below`.
        """
        below(self._root, place)
        if os.path.exists(place):
            self.forget(name)
            with _told(place):
                self.folder.mkdir(exist_ok=True)
                place.rename(self.folder / name)

    def give_back(self, place: Path, name: str) -> None:
        """Renames a file or folder back to its place, unless something is there."""
        below(self._root, place)
        if (self.folder / name).exists() and not place.exists():
            with _told(place):
                (self.folder / name).rename(place)

    def names(self) -> list[str]:
        """Returns the names in the trash."""
        return sorted(os.listdir(self.folder)) if self.folder.is_dir() else []

    def forget(self, name: str) -> None:
        """Removes an entry of the trash for good; of links the link, not the target."""
        gone = self.folder / name
        below(self._root, gone)
        with _told(gone):
            if gone.is_dir():
                shutil.rmtree(gone)
            else:
                gone.unlink(missing_ok=True)
        with suppress(OSError):  # it has other entries
            self.folder.rmdir()


def renew(folder: Path) -> None:
    """Empties and creates a folder that is written from scratch each time.

    Raises:
        EvergreenError: If it has content and was not made by this function; it is left alone.
    """
    mark = folder / MARK
    if folder.exists() and not mark.is_file() and any(folder.iterdir()):
        raise EvergreenError(
            f"{folder}: is not empty, and would be removed.",
            hint="Move it away, or name another folder.",
        )
    with _told(folder):
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        mark.write_text("This folder is removed when it is made again.\n")


@contextmanager
def _told(place: Path) -> Iterator[None]:
    """Raises an error that says why a path cannot be moved or removed."""
    try:
        yield
    except OSError as error:
        raise EvergreenError(
            f"{place}: cannot be moved or removed: {error.strerror or error}",
            hint="See whose it is and whether it is writable; then do it again.",
        ) from error
