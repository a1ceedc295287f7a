"""The one way in which files and folders go that are not temporary: below a root, by its trash."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evergreen.errors import EvergreenError

TRASH = ".trash"
"""Below a root: where things are renamed to before they are removed."""
MARK = ".made-anew"
"""In a folder that is removed whenever it is made again."""


class OutsideError(EvergreenError):
    """What was to be removed is not where it may be removed; it is left as it is."""


def below(root: Path, place: Path) -> Path:
    """Returns a place relative to the root that it is below.

    Args:
        root: A folder; how it is reached does not matter.
        place: Need not exist.

    Raises:
        OutsideError: If it is the root itself or not below it, has `..` in it, or is or leads
            through a link that is below the root.
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
    """Where things below a root go before they are removed; each by one rename, under a name.

    Whoever dies on the way leaves whole things, in their place or in the trash.
    """

    def __init__(self, root: Path) -> None:
        """Makes nothing yet."""
        self._root = root
        self.folder = root / TRASH

    def remove(self, place: Path, may_go: Callable[[], bool]) -> bool:
        """Removes a file or a folder, unless it may not go by now.

        Args:
            place: What, below the root.
            may_go: Looks again: asked before it is taken, and once more when it is out of reach.

        Returns:
            Whether it is gone.

        Raises:
            OutsideError: As of `below`.
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
        """Renames a thing into the trash; one that is gone already is gone.

        Raises:
            OutsideError: As of `below`.
        """
        below(self._root, place)
        if os.path.exists(place):
            self.forget(name)
            with _told(place):
                self.folder.mkdir(exist_ok=True)
                place.rename(self.folder / name)

    def give_back(self, place: Path, name: str) -> None:
        """Renames a thing back to its place, unless something is there."""
        below(self._root, place)
        if (self.folder / name).exists() and not place.exists():
            with _told(place):
                (self.folder / name).rename(place)

    def names(self) -> list[str]:
        """Returns the names of what is in the trash."""
        return sorted(os.listdir(self.folder)) if self.folder.is_dir() else []

    def forget(self, name: str) -> None:
        """Removes a thing in the trash for good; links in it, not what they lead to."""
        gone = self.folder / name
        below(self._root, gone)
        with _told(gone):
            if gone.is_dir():
                shutil.rmtree(gone)
            else:
                gone.unlink(missing_ok=True)
        with suppress(OSError):  # others are in it
            self.folder.rmdir()


def renew(folder: Path) -> None:
    """Makes a folder anew that is written from the beginning each time.

    Raises:
        EvergreenError: If there is something in it, and it was not made here: it is left as it is.
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
    """Says of what cannot be moved or removed why not."""
    try:
        yield
    except OSError as error:
        raise EvergreenError(
            f"{place}: cannot be moved or removed: {error.strerror or error}",
            hint="See whose it is and whether it is writable; then do it again.",
        ) from error
