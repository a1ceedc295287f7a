"""Has chosen modules of libraries loaded in another way, once they are imported."""

import sys
from collections.abc import Collection, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType


class ModuleFinder(MetaPathFinder):
    """Finds modules where Python would, and gives them another loader.

    Args:
        names: The modules' full names.
        loader: Loads them from their source files.
    """

    def __init__(self, names: Collection[str], loader: type[SourceFileLoader]) -> None:
        self._names = names
        self._loader = loader

    def install(self) -> None:
        """Places this finder before Python's own, unless one with its loader is there."""
        if not any(
            isinstance(finder, ModuleFinder) and finder._loader is self._loader
            for finder in sys.meta_path
        ):
            sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns where a chosen module is, with the other loader; None for all others."""
        if fullname not in self._names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = self._loader(fullname, spec.loader.path)
        return spec
