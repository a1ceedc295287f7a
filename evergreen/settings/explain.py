"""Turns validation errors into sentences that name the file, the key and the likely correction."""

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from evergreen.errors import closest

Values = dict[str, Any]
Source = tuple[str, Values]
"""The name of a settings source, and its content."""

LISTS = ("tuple_type", "list_type", "set_type", "frozen_set_type")
"""Pydantic's kinds of problems with a value that is no list."""


def explain(error: ValidationError, model: type[BaseModel], sources: Sequence[Source]) -> str:
    """Describes every problem of a validation, one line each.

    Args:
        error: What pydantic found.
        model: The model that was validated.
        sources: Names and contents of what was merged, in order of precedence.

    Returns:
        Lines such as `configs/local.yaml: unknown key data.perod; did you mean data.period?`
    """
    problems = [part for problem in error.errors() for part in _parts(problem)]
    if ("root",) in (problem["loc"] for problem in problems):  # all folders follow from it
        problems = [told for told in problems if "{root}" not in str(told["input"])]
    return "\n".join(_line(problem, model, sources) for problem in problems)


def _parts(problem: Any) -> list[Any]:
    """Returns a problem, or the deeper ones that it consists of."""
    if problem["type"] != "misplaced":
        return [problem]
    return [
        {"type": "value_error", "loc": (*problem["loc"], *place.split(".")), **found}
        for place, value, why in problem["ctx"]["faults"]
        for found in [{"input": value, "msg": why}]
    ]


def _line(problem: Any, model: type[BaseModel], sources: Sequence[Source]) -> str:
    path = [str(part) for part in problem["loc"]]
    where = _origin(path, sources)
    key = ".".join(path)
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key {key}{_suggestion(path, model)}"
    if problem["type"] == "missing":
        return f"{where}: {key} is missing."
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in LISTS:
        message = "Input should be a list, such as [a, b]"
    if problem["type"] == "string_type" and isinstance(problem["input"], bool | int | float):
        message += f": YAML reads it as {str(problem['input']).lower()}; put a text into quotes"
    return f"{where}: {key} = {problem['input']!r}: {message}{'' if message[-1:] == '?' else '.'}"


def _origin(path: Sequence[str], sources: Sequence[Source]) -> str:
    """Returns the last source that set the key, or a section on the way to it."""
    for length in range(len(path), 0, -1):
        for name, config in reversed(sources):
            if _sets(config, path[:length]):
                return name
    return "settings"


def _sets(values: Values, path: Sequence[str]) -> bool:
    """Returns whether a source gives a key a value, null included."""
    node: Any = values
    for part in path:
        if not isinstance(node, dict) or part not in node:
            return False
        node = node[part]
    return True


def _suggestion(path: Sequence[str], model: type[BaseModel]) -> str:
    section: type[BaseModel] = model
    for part in path[:-1]:
        if part in section.model_fields:  # otherwise a key of a mapping, or a number in a list
            section = _section(section.model_fields[part].annotation)
    known = [field.alias or name for name, field in section.model_fields.items()]
    if close := closest(path[-1], known):
        return f"; did you mean {'.'.join([*path[:-1], close])}?"
    return f"; known here: {', '.join(known)}."


def _section(annotation: Any) -> type[BaseModel]:
    """Returns the model that a field holds: directly, optionally, or in a collection."""
    held = [annotation]
    while held:
        annotated = held.pop(0)
        if isinstance(annotated, type) and issubclass(annotated, BaseModel):
            return annotated
        held += get_args(annotated)
    raise AssertionError(f"no section: {annotation}")
