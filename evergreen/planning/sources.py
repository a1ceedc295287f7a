"""Finds the files of a piece of code by following its imports, without running it.

Installed packages are left to the lock's digest; everything else is followed: the project's
packages, the platform, and all other modules on the import path. It follows `import` and `from ...
import` at any place, relative ones too, the `__init__.py` of packages, and text that is the name of
a module, as in `import_module("models.shared.clean")`.
"""

import importlib
import re
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from evergreen.planning.code_text import CodeText, Text, read
from evergreen.settings.load import BASE

PLATFORM = "evergreen"
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?::\w+)?")
URL = re.compile(r"[a-z][a-z0-9+.-]*://")
EXPLAINING = {".md", ".rst", ".ipynb"}
"""Suffixes of documentation, which decides nothing unless the code names it."""
LONGEST = 400
"""The longest text that may be a path, in characters."""


@dataclass
class Sources:
    """Files by names that are equal in every checkout, and dependencies that could not be followed.

    Attributes:
        files: Code and data.
        outside: Certain or possible dependencies that are not among the files: place and
            description.
        without: Top-level packages not to follow.
    """

    files: dict[str, Path] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)
    without: frozenset[str] = frozenset()
    _seen: set[Path] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)

    def add_folder(self, folder: Path) -> None:
        """Adds a file, or the files below a folder but hidden, compiled and documentation ones."""
        for file in _files_below(folder):
            name = PurePosixPath(folder.name, file.relative_to(folder).as_posix())
            if file.suffix == ".py" and file.is_file():
                self._add_code(name, file)
            elif file.is_file():
                self.files[str(name)] = file
            else:
                self.outside.append(f"{name}: is a link, and to no file")

    def add_module(self, name: str) -> None:
        """Adds a module, if it exists, and all that it imports."""
        if name not in self._asked:
            self._asked.add(name)
            self._add_all(self._located(name))

    def _located(self, name: str) -> list[tuple[PurePosixPath, ModuleSpec]]:
        top, *inner = name.split(".")
        spec = None if top in self.without else _top(top)
        if spec is None:
            return []
        return [(PurePosixPath(top), spec), *_descend(PurePosixPath(top), _folders(spec), inner)]

    def _add_all(self, located: Iterable[tuple[PurePosixPath, ModuleSpec]]) -> None:
        for name, spec in located:
            if spec.origin and spec.has_location:  # packages without __init__.py have neither
                file = Path(spec.origin)
                is_package = spec.submodule_search_locations is not None
                self._add_code(name / file.name if is_package else name.with_name(file.name), file)

    def _add_code(self, name: PurePosixPath, file: Path) -> None:
        file = file.resolve()
        if file in self._seen:
            return
        self._seen.add(file)
        self.files[str(name)] = file
        text = read(file.read_bytes()) if file.suffix == ".py" else CodeText()
        for imported in text.imports:
            self._follow(name, file, imported)
        for literal in text.texts:
            if DOTTED.fullmatch(literal.value):
                self._add_named_module(literal.value.partition(":")[0])
        if name.parts[0] != PLATFORM:
            self._add_data(name, file, text)

    def _follow(self, name: PurePosixPath, file: Path, imported: str) -> None:
        stem, _, member = imported.partition(":")
        module = stem.lstrip(".")
        inner = [*filter(None, module.split(".")), *([member] if member else [])]
        level = len(stem) - len(module)
        if level > len(file.parents):
            return
        if level:
            package = PurePosixPath(*name.parts[: max(len(name.parts) - level, 0)])
            folder = file.parents[level - 1]
            if (start := folder / "__init__.py").is_file():
                self._add_code(package / start.name, start)
            self._add_all(_descend(package, [str(folder)], inner))
        else:
            self.add_module(".".join(inner))

    def _add_named_module(self, name: str) -> None:
        """Adds the module that a text names, itself or by a function; or a package that is run."""
        for module in (name, name.rpartition(".")[0]):
            found = self._located(module)
            if "." in module and len(found) == module.count(".") + 1:
                self._add_all([*found, *self._located(f"{module}.__main__")])
                return

    def _add_data(self, name: PurePosixPath, file: Path, text: CodeText) -> None:
        """Adds the data files beside a module of the project, and those that its texts name."""
        if len(name.parts) > 1:
            for beside in sorted(file.parent.iterdir()):
                if beside.is_file() and beside.suffix != ".py" and _decides(beside):
                    self.files[str(name.with_name(beside.name))] = beside
        told = [
            *text.notes,
            *((literal.line, self._add_named(name, file, literal)) for literal in text.texts),
        ]
        self.outside += sorted({f"{name}, line {line}: {what}" for line, what in told if what})

    def _add_named(self, name: PurePosixPath, file: Path, text: Text) -> str:
        """Adds the files that a text names; returns a note if it names something else."""
        path = text.value
        if URL.match(path):
            return f"names {path}"
        if not path.strip("./ ") or len(path) > LONGEST or not path.isprintable():
            return ""
        for base in _bases(file):
            found = base / path
            if is_joined := not _exists(found):  # a folder's name and it may be added by `+`
                found = base / path.lstrip("/")
            if not _exists(found):
                continue
            if found.is_file():
                self.files[f"{name}: {path}"] = found
            elif base == file.parent and len(name.parts) > 1 and base in found.resolve().parents:
                for below in _files_below(found):
                    self.files[f"{name}: {path}/{below.relative_to(found)}"] = below
            elif (
                not is_joined
                and (text.is_path or "/" in path)
                and found != Path(tempfile.gettempdir())
            ):
                return f"names the folder {path}"
            return ""
        is_absent = path.startswith("/") and Path(path).suffix
        return f"names {path}, which is not here" if is_absent else ""


def named_files(values: object, project: Path) -> Iterator[tuple[str, Path]]:
    """Yields the files named in the values of settings, at any depth, with their texts."""
    if isinstance(values, Mapping):
        values = list(values.values())
    if isinstance(values, (list, tuple)):
        for value in values:
            yield from named_files(value, project)
    elif isinstance(values, str) and 0 < len(values) <= LONGEST and values.isprintable():
        file = project / values
        if _exists(file) and file.is_file():
            yield values, file


def project_of(folder: Path) -> Path:
    """Returns the project that a folder is in; the folder itself if there is none."""
    return next((at for at in (folder, *folder.parents) if (at / BASE).is_file()), folder)


def forget_modules() -> None:
    """Clears the caches of existing modules; the content of files is never cached."""
    importlib.invalidate_caches()
    _top.cache_clear()


@cache
def _top(name: str) -> ModuleSpec | None:
    """Returns the top-level package or module of a name, unless it is Python's or installed."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):  # `__main__` has no spec
        return None
    if spec is None or spec.origin in ("built-in", "frozen"):
        return None
    places = [spec.origin] if spec.origin else _folders(spec)
    is_installed = any(Path(at).is_relative_to(folder) for at in places for folder in _installed())
    return None if is_installed and name not in _own() else spec


@cache
def _installed() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    return tuple(Path(paths[key]) for key in ("stdlib", "platstdlib", "purelib", "platlib"))


@cache
def _own() -> frozenset[str]:
    """Returns the packages of the project, which may itself be installed."""
    try:
        names = distribution(PLATFORM).read_text("top_level.txt") or ""
    except PackageNotFoundError:
        names = ""
    return frozenset({PLATFORM, *names.split()})


def _descend(
    name: PurePosixPath, folders: list[str], inner: Iterable[str]
) -> Iterator[tuple[PurePosixPath, ModuleSpec]]:
    """Yields the packages and modules along a dotted name, as far as they exist."""
    for part in inner:
        names = [part] if part != "*" else sorted(_modules(folders))
        specs = [(name / module, PathFinder.find_spec(module, folders)) for module in names]
        yield from ((module, spec) for module, spec in specs if spec)
        if len(specs) != 1 or specs[0][1] is None:
            return
        name, folders = specs[0][0], _folders(specs[0][1])


def _modules(folders: list[str]) -> set[str]:
    return {file.stem for folder in folders for file in Path(folder).glob("*.py")} - {"__init__"}


def _folders(spec: ModuleSpec) -> list[str]:
    return list(spec.submodule_search_locations or [])


def _bases(file: Path) -> Iterator[Path]:
    """Yields the folders that relative paths may start from: the file's, up to the project's."""
    project = project_of(file.parent)
    for folder in file.parents:
        yield folder
        if folder == project:
            return


def _files_below(folder: Path) -> list[Path]:
    """Returns files, and links to folders."""
    if folder.is_file():
        return [folder]
    return sorted(
        file
        for file in folder.rglob("*")
        if (file.is_file() or file.is_symlink())
        and _decides(file)
        and not any(
            part[0] == "." or part == "__pycache__" for part in file.parts[len(folder.parts) :]
        )
    )


def _decides(file: Path) -> bool:
    is_left_over = file.name.startswith(".") or file.name.endswith("~") or file.suffix == ".pyc"
    return not is_left_over and file.suffix not in EXPLAINING


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # the name is too long, or a folder above it is unreadable
        return False
