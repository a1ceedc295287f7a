"""Writes the reference page of the settings from their models."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

HEAD = """# Settings, one by one

`make docs` generates this page from the models in `evergreen/settings/`. [Settings](../settings.md)
describes the sections, and how use cases, environments and `--set` change them. Defaults come from
`configs/base.yaml`, from the conventions, which follow from the use case's name and the root, or
from the models. What has no default is set by the use case or the environment, or is null.
"""
MISSING = object()
Row = tuple[str, str, str, str]
"""Key, type, default, meaning."""
WORDS: dict[Any, str] = {
    Any: "anything",
    bool: "true or false",
    float: "number",
    int: "whole number",
    Path: "path",
    str: "text",
}


def settings_page(model: type[BaseModel], base: Mapping[str, Any]) -> str:
    """Returns a Markdown page with the type, default and purpose of each key.

    Args:
        model: The settings; its fields are sections, but for a few.
        base: The values that the conventions and `configs/base.yaml` set.
    """
    single = {
        name: field for name, field in model.model_fields.items() if not _models(field.annotation)
    }
    top = [
        _row(_key(name, field), field, base.get(name, MISSING)) for name, field in single.items()
    ]
    sections = [
        f"## {_key(name, field)}\n\n{_text(_models(field.annotation)[0])}\n\n"
        + _table(field, base.get(_key(name, field)))
        for name, field in model.model_fields.items()
        if name not in single
    ]
    return "\n".join([HEAD, _lines(top), *sections])


def _table(section: FieldInfo, base: Any) -> str:
    models = _models(section.annotation)
    return _lines([row for model in models for row in _rows(model, "", base)])


def _lines(rows: Sequence[Row]) -> str:
    lines = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def _rows(model: type[BaseModel], prefix: str, base: Any) -> Iterator[Row]:
    """Yields a row for each key of a model, and of the models below it."""
    for name, field in model.model_fields.items():
        key = _key(name, field)
        own = base.get(key, MISSING) if isinstance(base, Mapping) else MISSING
        yield _row(f"{prefix}{key}", field, own)
        for held in _models(field.annotation):
            yield from _rows(held, f"{prefix}{key}.", own)


def _row(key: str, field: FieldInfo, base: Any) -> Row:
    return f"`{key}`", _type(field.annotation), _default(field, base), field.description or ""


def _key(name: str, field: FieldInfo) -> str:
    return field.alias or name


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Returns the models that a field holds: itself, in a union, or in a collection."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for held in get_args(annotation) for model in _models(held)]


def _type(annotation: Any) -> str:
    """Returns the name of a type for people who write YAML."""
    if annotation is type(None):
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    if isinstance(annotation, type) and not get_args(annotation):
        values = [str(item.value) for item in getattr(annotation, "__members__", {}).values()]
        return " or ".join(values) or WORDS.get(annotation, annotation.__name__)
    return _generic(annotation)


def _generic(annotation: Any) -> str:
    held = get_args(annotation)
    origin = getattr(annotation, "__origin__", None)
    if origin in (list, tuple, set, frozenset):
        return f"list of {_type(held[0])}"
    if origin is dict:
        return f"map to {_type(held[1])}"
    if hasattr(annotation, "__metadata__"):  # an Annotated
        return _type(held[0])
    names = [value if isinstance(value, str) else _type(value) for value in held]
    return " or ".join(dict.fromkeys(names)) or WORDS.get(annotation, str(annotation))


def _default(field: FieldInfo, base: Any) -> str:
    value = field.get_default(call_default_factory=True) if base is MISSING else base
    if value is PydanticUndefined or _models(field.annotation):
        return ""
    return f"`{json.dumps(value, default=str)}`"


def _text(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n\n")[0]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
