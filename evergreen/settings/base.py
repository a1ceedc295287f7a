"""What all sections of the settings have in common."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from evergreen.files import pattern_in

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def _is_local(path: Any) -> Any:
    """Refuses what would become a folder named `s3:`, or `$HOME`."""
    if isinstance(path, str | Path) and URL.match(str(path)):
        raise ValueError(
            "is a URL; a path on this machine is expected, such as of a mounted volume"
        )
    if isinstance(path, str | Path) and "$" in str(path):
        raise ValueError("has a $, and variables are not filled in; write the path out")
    return path


def _in_project(path: Path, info: ValidationInfo) -> Path:
    """Makes a path absolute; relative ones start at the project's folder (the context).

    Refuses what TensorFlow takes for a pattern.
    """
    project = (info.context or {}).get("project", Path.cwd())
    found: Path = (project / path.expanduser()).resolve()
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


class Section(BaseModel):
    """Base of all sections."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
