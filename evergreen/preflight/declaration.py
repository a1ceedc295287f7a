"""Checks what a use case declares, without running its code and without TensorFlow.

The settings were parsed already; this holds them against the code, the schema and each other.
"""

import ast
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from tensorflow_metadata.proto.v0 import schema_pb2

from evergreen.errors import SettingsError, closest
from evergreen.quality.schema import load_curated
from evergreen.settings import Settings, function_module

Fault = tuple[str, str]
"""What is wrong, with its place; and what to do next."""


def check_declaration(settings: Settings) -> None:
    """Checks functions, schema and the columns that settings name.

    Raises:
        SettingsError: If something is wrong; tells all that is.
    """
    faults = list(_faults(settings))
    if faults:
        raise SettingsError("\n".join(fault for fault, _ in faults), hint=faults[0][1])


def _faults(settings: Settings) -> Iterator[Fault]:
    yield from _code_faults(settings.pipeline.use_case)
    functions = {
        "data.source": settings.data.source,
        "model.preprocessing_fn": settings.model.preprocessing_fn,
        "model.run_fn": settings.model.run_fn,
    }
    for setting, path in functions.items():
        yield from _function_faults(setting, path)
    schema = load_curated(settings.data.table_schema)
    yield from _column_faults(settings, schema)


def _code_faults(folders: list[Path]) -> Iterator[Fault]:
    """Yields files of the use case that are no Python."""
    for folder in folders:
        for file in sorted(folder.rglob("*.py")) if folder.is_dir() else []:
            try:
                ast.parse(file.read_bytes(), str(file))
            except (SyntaxError, ValueError) as error:
                line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
                yield f"{file}{line}: {error}.", "Correct the file."


def _function_faults(setting: str, path: str) -> Iterator[Fault]:
    try:
        module = function_module(setting, path)
    except SettingsError as error:
        yield str(error), error.hint
        return
    spec = find_spec(module)
    name = path.replace(":", ".").rpartition(".")[2]
    defined = _defined(Path(spec.origin)) if spec and spec.origin else {}
    if name not in defined and "*" not in defined:
        near = closest(name, defined)
        yield (
            f"{setting} = {path}: {module} defines no {name}.",
            f"Did you mean {near}?" if near else f"Write it, or correct {setting}.",
        )


def _defined(file: Path) -> Mapping[str, None]:
    """Returns the names that a module defines or imports at its top level."""
    if file.suffix != ".py":
        return {"*": None}
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError):  # told by `_code_faults`
        return {"*": None}
    names: dict[str, None] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names[node.name] = None
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name: None for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id: None for target in targets if isinstance(target, ast.Name)}
        elif not isinstance(node, ast.Expr):
            names["*"] = None  # such as an `if` around definitions
    return names


def _column_faults(settings: Settings, schema: schema_pb2.Schema) -> Iterator[Fault]:
    """Yields columns that settings name and the schema does not have."""
    known = {feature.name for feature in schema.feature}
    named = {"data.key": [settings.data.key]}
    if settings.data.timestamp is not None:
        named["data.timestamp"] = [settings.data.timestamp]
    named["gates.slices"] = list(settings.gates.slices)
    named["gates.model.not_worse"] = [
        slicing.feature for rule in settings.gates.model.not_worse for slicing in rule.by
    ]
    named["monitoring.features"] = list(settings.monitoring.features or ())
    named["monitoring.performance.slices"] = [
        slicing.feature for slicing in settings.monitoring.performance.slices
    ]
    for setting, columns in named.items():
        for column in dict.fromkeys(columns):
            if column not in known:
                near = closest(column, known)
                yield (
                    f"{setting} names {column!r}, which {settings.data.table_schema} has not.",
                    f"Did you mean {near!r}?" if near else "Correct one of them.",
                )
