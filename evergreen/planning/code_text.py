"""Parses Python modules for the modules they import and the files they name."""

import ast
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

IMPORTING = {"import_module", "__import__", "run_module"}
JOINING = {"Path", "PurePath", "join", "joinpath", "open", "GFile"}
ENVIRONMENT = {"environ", "getenv"}


@dataclass(frozen=True)
class Text:
    """A text constant, or constants that are joined to a path.

    Attributes:
        line: Its line.
        value: The text.
        is_path: Whether it is used as a path.
    """

    line: int
    value: str
    is_path: bool = False


@dataclass(frozen=True)
class CodeText:
    """The findings in a module's source.

    Attributes:
        imports: Names of modules, relative ones with their dots; `a:b` for `from a import b`.
        texts: Text constants without docstrings.
        notes: Dependencies that cannot be determined, with their lines.
    """

    imports: tuple[str, ...] = ()
    texts: tuple[Text, ...] = ()
    notes: tuple[tuple[int, str], ...] = ()


@lru_cache(maxsize=4096)
def read(source: bytes) -> CodeText:
    """Parses a module's source without running it."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
        return CodeText(
            tuple(name for node in nodes for name in _imports(node)),
            tuple(_texts(nodes)),
            tuple(note for node in nodes for note in _notes(node)),
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # or nested too deeply
        line = getattr(error, "lineno", None) or 1
        return CodeText(notes=((line, "is not Python, so that its imports are not known"),))


def _imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        stem = "." * node.level + (node.module or "")
        yield from (f"{stem}:{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and _called(node) in IMPORTING and node.args:
        name, package = _constant(node.args[0]), _package(node)
        if name and name.startswith(".") and package:
            above = len(name) - len(name.lstrip(".")) - 1
            if above <= package.count("."):
                yield importlib.util.resolve_name(name, package)
        elif name:
            yield name


def _package(call: ast.Call) -> str | None:
    given = [keyword.value for keyword in call.keywords if keyword.arg == "package"] + call.args[
        1:2
    ]
    return _constant(given[0]) if given else None


def _notes(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT:
        yield node.lineno, "reads the environment"
    elif isinstance(node, ast.Call) and _called(node) in IMPORTING and node.args:
        known = _constant(node.args[0]) is not None
        yield from () if known else [(node.lineno, "imports a module whose name is computed")]


def _texts(nodes: Iterable[ast.AST]) -> Iterator[Text]:
    apart = set()
    for node in nodes:
        if isinstance(node, ast.Expr):  # a docstring
            apart.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            apart |= {id(value) for value in node.values}
        value = _constant(node)
        if value is not None and id(node) not in apart:
            yield Text(node.lineno, value)  # type: ignore[attr-defined]
        elif isinstance(node, (ast.BinOp, ast.JoinedStr, ast.Call)) and (path := _path(node)):
            yield Text(node.lineno, path, is_path=True)


def _path(node: ast.AST) -> str:
    """Returns the constant end of a path: `words/a.csv` for `Path(here) / "words" / "a.csv"`."""
    value = _constant(node)
    if value is not None:
        return value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _joined([node.left, node.right])
    if isinstance(node, ast.Call) and _called(node) in JOINING:
        base = [node.func.value] if _called(node) == "joinpath" else []  # type: ignore[attr-defined]
        return _joined([*base, *(node.args[:1] if _called(node) == "open" else node.args)])
    if isinstance(node, ast.JoinedStr):
        end = _constant(node.values[-1]) if node.values else None
        return (end or "").lstrip("/")
    return ""


def _joined(parts: Iterable[ast.AST]) -> str:
    path = ""
    for part in parts:
        found = _path(part)
        path = f"{path}/{found}" if path and found else found
    return path


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _constant(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
