"""What all sections of the settings have in common."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo


def _in_project(path: Path, info: ValidationInfo) -> Path:
    """Makes a path absolute; relative ones start at the project's folder (the context)."""
    project = (info.context or {}).get("project", Path.cwd())
    return (project / path.expanduser()).resolve()


ProjectPath = Annotated[Path, AfterValidator(_in_project)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""A name that is safe in folders, contexts and URLs."""
DottedPath = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*[.:][A-Za-z_]\w*$")]
"""A function: `package.module.function` or `package.module:function`."""


class Section(BaseModel):
    """Base of all sections."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
