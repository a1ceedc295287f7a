"""Digests of all that decides a run's result besides the data: code, packages, schema, settings."""

from collections.abc import Iterable
from pathlib import Path

import evergreen
from evergreen.errors import EvergreenError
from evergreen.planning.sources import (
    PLATFORM,
    Sources,
    forget_modules,
    named_files,
    project_of,
)
from evergreen.quality.schema import load_curated
from evergreen.runs.digests import check_there, digest_files, digest_values
from evergreen.runs.plan import Digests
from evergreen.settings import Settings, function_module

COMPONENTS = "evergreen.components"
INGESTING = ("example_gen", "statistics_gen", "data_gate")
"""The components that turn a span into the input of trainings."""


def take_digests(settings: Settings) -> Digests:
    """Returns the digests of all that decides a result besides the data.

    Raises:
        SettingsError: If a file, folder or function named in the settings does not exist, or the
            curated schema is invalid.
    """
    forget_modules()
    pipeline, model = settings.pipeline, settings.model
    check_there(
        [*pipeline.definition, *pipeline.use_case, pipeline.lock, settings.data.table_schema]
    )
    load_curated(settings.data.table_schema)
    use_case = _use_case(settings).files
    data = {name: file for name, file in use_case.items() if file.suffix != ".py"}
    return Digests(
        settings=digest_values(
            pipeline=[pipeline.name, pipeline.factory],
            # Name, label and classes do not change the model: nodes that read them depend on them.
            model=model.model_dump(include={"preprocessing_fn", "run_fn", "hyperparameters"}),
            trainer=digest_files(_trainer(settings).files),
            files=digest_files(_named_in_settings(settings)),
            beam=settings.beam.model_dump(),
        ),
        definition=digest_files(_definition(settings).files),
        use_case=digest_files(use_case),
        platform=digest_files(platform().files),
        lock=_digest_file(pipeline.lock),
        table_schema=_digest_file(settings.data.table_schema),
        ingestion=digest_files(platform(*INGESTING).files),
        use_case_data=digest_files(data) if data else "",
    )


def check_unchanged(settings: Settings, digests: Digests) -> None:
    """Checks that the code of a run is still the same.

    Raises:
        EvergreenError: If code, lock or schema changed since the digests were taken.
    """
    if take_digests(settings) != digests:
        raise EvergreenError(
            "the code, the lock or the schema has changed since the run was planned.",
            hint="Run again: it is planned anew, and what is finished comes from the cache.",
        )


def not_covered(settings: Settings) -> list[str]:
    """Returns the dependencies of the project's code that no digest covers, certain or possible.

    Returns:
        Place and description, such as `models/taxi/model.py, line 3: names gs://words`.
    """
    parts = (_use_case(settings), _trainer(settings), _definition(settings))
    return list(dict.fromkeys(what for part in parts for what in part.outside))


def platform(*names: str) -> Sources:
    """Returns Evergreen's code that nodes run: all components, or the named ones, and imports."""
    folder, sources = Path(evergreen.__path__[0], "components"), Sources()
    for file in sorted(folder.rglob("*.py")):
        module = file.relative_to(folder).with_suffix("")
        if not names or module.parts[0] in names:
            sources.add_module(".".join((COMPONENTS, *module.parts)))
    return sources


def project_code(path: str) -> Sources:
    """Returns the code of the class or function at a dotted path, without the platform's."""
    sources = Sources(without=frozenset({PLATFORM}))
    sources.add_module(path.rpartition(".")[0])
    return sources


def _use_case(settings: Settings) -> Sources:
    """Includes the functions that nodes run, which may be outside the folder of the use case."""
    sources = _folders(settings.pipeline.use_case)
    _add_function(sources, "model.preprocessing_fn", settings.model.preprocessing_fn)
    return sources


def _trainer(settings: Settings) -> Sources:
    sources = Sources()
    _add_function(sources, "model.run_fn", settings.model.run_fn)
    return sources


def _definition(settings: Settings) -> Sources:
    """Excludes the platform, which has its own digest."""
    sources = _folders(settings.pipeline.definition, PLATFORM)
    _add_function(sources, "pipeline.factory", settings.pipeline.factory)
    return sources


def _folders(paths: Iterable[Path], *without: str) -> Sources:
    sources = Sources(without=frozenset(without))
    for path in paths:
        sources.add_folder(path)
    return sources


def _add_function(sources: Sources, setting: str, path: str) -> None:
    sources.add_module(function_module(setting, path))


def _named_in_settings(settings: Settings) -> dict[str, Path]:
    project = project_of(settings.pipeline.definition[0])
    return dict(named_files(settings.model.hyperparameters, project))


def _digest_file(file: Path) -> str:
    return digest_files({file.name: file})
