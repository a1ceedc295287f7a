"""The base of all sections of the settings, and the types that they share."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from evergreen.files import pattern_in

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
CENTURY = 36_525 * 86_400
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def _is_local(path: Any) -> Any:
    """Refuses text that would become a folder named `s3:`, or `$HOME`."""
    if isinstance(path, str | Path) and URL.match(str(path)):
        raise ValueError(
            "is a URL; a path on this machine is expected, such as of a mounted volume"
        )
    if isinstance(path, str | Path) and "$" in str(path):
        raise ValueError("has a $, and variables are not filled in; write the path out")
    return path


def _in_project(path: Path, info: ValidationInfo) -> Path:
    """Makes a path absolute; relative ones start at the project's folder (the context).

    Fills the placeholders from the context. Refuses characters that TensorFlow reads as a pattern.
    """
    context = info.context or {}
    text = str(path)
    for name in ("root", "use_case"):  # the root may name the use case
        text = text.replace(f"{{{name}}}", str(context.get(name, f"{{{name}}}")))
    if unknown := re.search(r"\{\w*\}", text):
        raise ValueError(f"has {unknown[0]}; the placeholders are {{use_case}} and {{root}}")
    found: Path = (context.get("project", Path.cwd()) / Path(text).expanduser()).resolve()
    if characters := pattern_in(found):
        raise ValueError(
            f"is {found}, and TensorFlow takes {characters} for a pattern; rename the folder"
        )
    return found


ProjectPath = Annotated[Path, BeforeValidator(_is_local), AfterValidator(_in_project)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""A name that is safe in folders, contexts and URLs."""
DottedPath = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*[.:][A-Za-z_]\w*$")]
"""A function: `package.module.function` or `package.module:function`."""


def misplaced(faults: Sequence[tuple[str, object, str]]) -> PydanticCustomError:
    """Returns an error for values that lie deeper than the field that a validator is on.

    Args:
        faults: Keys below the field, joined by dots, values, and what is wrong with them.
    """
    text = "; ".join(f"{place}: {why}" for place, _, why in faults)
    return PydanticCustomError("misplaced", "{text}", {"text": text, "faults": faults})


class Section(BaseModel):
    """Base of all sections."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @model_validator(mode="after")
    def _times_are_within_the_calendar(self) -> Self:
        """Limits durations, so that such a moment earlier or later exists in the calendar."""
        for name in type(self).model_fields:
            unit, value = UNITS.get(name.rpartition("_")[2]), getattr(self, name)
            if unit and isinstance(value, int | float) and not abs(value) * unit <= CENTURY:
                raise ValueError(f"{name} is {value:g}, and the most is a hundred years")
        return self
