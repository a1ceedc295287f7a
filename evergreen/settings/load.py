"""Merges `configs/base.yaml`, overlays and `--set` overrides into validated settings."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from evergreen.errors import SettingsError
from evergreen.settings.explain import Source, explain
from evergreen.settings.models import Settings
from evergreen.settings.sources import parse, read

BASE = Path("configs/base.yaml")


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
    project: Path, overlays: Sequence[str] = ("local",), overrides: Sequence[str] = ()
) -> Settings:
    """Loads the settings of a project.

    Args:
        project: The project's folder; relative paths in the settings start here.
        overlays: Names of files in `configs/` (without `.yaml`), or paths; later ones win.
        overrides: `section.key=value` pairs, values as YAML; they win over files.

    Returns:
        The frozen settings, with absolute paths.

    Raises:
        SettingsError: If a file or an override cannot be read, has an unknown key or a bad value.
    """
    files = settings_files(project, overlays)
    sources = [read(file, project) for file in files] + [parse(pair) for pair in overrides]
    try:
        values = OmegaConf.to_container(_merge(sources))
        return Settings.model_validate(values, context={"project": project})
    except OmegaConfBaseException as error:
        raise SettingsError(f"settings: {error}") from error
    except ValidationError as error:
        raise SettingsError(explain(error, Settings, sources)) from error


def settings_files(project: Path, overlays: Sequence[str]) -> list[Path]:
    """Returns the files that settings come from; later ones win.

    Raises:
        SettingsError: If there is no such overlay.
    """
    return [project / BASE, *(_overlay(project, name) for name in overlays)]


def _merge(sources: Sequence[Source]) -> DictConfig:
    merged = OmegaConf.create({})
    for name, config in sources:
        try:
            merged = cast(DictConfig, OmegaConf.merge(merged, config))
        except TypeError as error:
            raise SettingsError(
                f"{name}: has a list where a section is expected, or the other way round.",
                hint="Compare it with configs/base.yaml.",
            ) from error
        for *above, key in _emptied(config):
            parent: Any = merged
            for name_ in above:
                parent = parent[name_]
            parent[key] = {}
    return merged


def _emptied(config: Any) -> Iterator[tuple[Any, ...]]:
    """Yields the keys of mappings that are set to empty, which merging alone would not empty."""
    for key, value in config.items_ex(resolve=False) if isinstance(config, DictConfig) else ():
        if isinstance(value, DictConfig) and not value:
            yield (key,)
        yield from ((key, *below) for below in _emptied(value))


def _overlay(project: Path, name: str) -> Path:
    file = Path(name) if name.endswith((".yaml", ".yml")) else project / f"configs/{name}.yaml"
    if not file.is_file():
        known = sorted(path.stem for path in (project / "configs").glob("*.yaml"))
        raise SettingsError(
            f"no settings file {file}.",
            hint=f"Overlays in configs/: {', '.join(known)}; or give a path ending in .yaml.",
        )
    return file
