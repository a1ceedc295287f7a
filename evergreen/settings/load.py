"""Merges conventions, `configs/` and `--set` overrides into validated settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evergreen.errors import SettingsError
from evergreen.settings.conventions import conventions
from evergreen.settings.explain import Source, Values, explain
from evergreen.settings.models import Settings
from evergreen.settings.sources import REMOVED, Replacement, parse, read
from evergreen.settings.use_cases import environments, select

BASE = Path("configs/base.yaml")
LOCAL = ("local",)
KEYS = "All keys with their values: docs/reference/settings.md"
UPGRADE = (
    'A project of version 0.1.0? docs/settings.md, "Coming from version 0.1.0", says what to move.'
)


def find_project(start: Path) -> Path:
    """Finds the project of a folder: the nearest folder above with `configs/base.yaml`.

    Raises:
        SettingsError: If neither the folder nor one above it is a project.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / BASE).is_file():
            return folder
    raise SettingsError(
        f"no project here: neither {start.resolve()} nor a folder above it has {BASE}.",
        hint="Change into the project's folder, or name it with --project.",
    )


def load_settings(
    project: Path,
    overlays: Sequence[str] = LOCAL,
    overrides: Sequence[str] = (),
    use_case: str = "",
) -> Settings:
    """Loads the settings of a project: of a use case, in an environment.

    Later ones win: conventions, `configs/base.yaml`, the use case, the environments in their order,
    overrides.

    Args:
        project: The project's folder; relative paths in the settings start here.
        overlays: Names of environments in `configs/` (without `.yaml`), or paths of files; the name
            of the use case may be among them.
        overrides: `section.key=value` pairs, values as YAML.
        use_case: The name of the use case; if empty, the overlays, the overrides or the setting
            `use_case` name it.

    Returns:
        The frozen settings, with absolute paths.

    Raises:
        SettingsError: If a file or an override cannot be read, has an unknown key or a bad value.
    """
    selection = select(project, overlays, overrides, use_case)
    name = selection.use_case
    sources = [read(file, project) for file in selection.files(project)]
    sources += [parse(pair) for pair in overrides]
    values = merge([("the conventions", _conventions(name, sources)), *sources])
    values["use_case"] = name
    context = {"project": project, "use_case": name, "root": str(values["root"])}
    try:
        return Settings.model_validate(values, context=context)
    except ValidationError as error:
        # Version 0.1.0 had criteria in code.
        hint = (
            "All keys with their values: docs/reference/settings.md"
            if "gates" in values
            else UPGRADE
        )
        raise SettingsError(explain(error, Settings, sources), hint=hint) from error


def settings_files(
    project: Path, overlays: Sequence[str], overrides: Sequence[str] = (), use_case: str = ""
) -> list[Path]:
    """Returns the files that settings come from; later ones win. Arguments as `load_settings`.

    Raises:
        SettingsError: If there is no such use case or environment.
    """
    return select(project, overlays, overrides, use_case).files(project)


def in_environment(project: Path, overlays: Sequence[str], usual: Sequence[str]) -> list[str]:
    """Returns overlays, with the usual environments if they name the use case alone."""
    return [*overlays] if environments(project, overlays) else [*usual, *overlays]


def merge(sources: Sequence[Source]) -> Values:
    """Merges sources; later ones win.

    Mappings are merged key by key, except for an empty one and a `!replace`, which take the place
    of what there was; `!remove` removes a key.

    Raises:
        SettingsError: If a list stands for a mapping or the other way round, or a key is removed
            that is not there.
    """
    merged: Values = {}
    for name, values in sources:
        _put(merged, values, name, "")
    return merged


def _put(below: Values, above: Values, name: str, place: str) -> None:
    for key, value in above.items():
        there = below.get(key)
        if value is REMOVED:
            if key not in below:
                raise SettingsError(
                    f"{name}: {place}{key} is removed, and is not there.",
                    hint="Compare it with `evergreen config show` without this file.",
                )
            del below[key]
        elif isinstance(value, dict) and isinstance(there, dict) and _is_merged(value):
            _put(there, value, name, f"{place}{key}.")
        elif _clash(there, value) or _clash(value, there):
            raise SettingsError(
                f"{name}: has a list where a section is expected, or the other way round.",
                hint="Compare it with configs/base.yaml.",
            )
        else:
            below[key] = _copied(value, name, f"{place}{key}.")


def _is_merged(value: Values) -> bool:
    return bool(value) and not isinstance(value, Replacement)


def _clash(values: Any, section: Any) -> bool:
    return isinstance(values, list) and isinstance(section, dict)


def _copied(value: Any, name: str, place: str) -> Any:
    """Returns a mapping that can be changed."""
    if not isinstance(value, dict):
        return value
    copied: Values = {}
    _put(copied, value, name, place)
    return copied


def _conventions(use_case: str, sources: Sequence[Source]) -> Values:
    """Returns the conventions; metadata are not kept in a file if a server is named for them."""
    found = conventions(use_case)
    for _, values in sources:
        metadata = values.get("metadata")
        if isinstance(metadata, dict) and isinstance(metadata.get("mysql"), dict):
            found["metadata"] = {"sqlite": None}
    return found
