"""The project named by the options `--project`, `--use-case`, `--config` and `--set`."""

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial, reduce, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

import typer

from evergreen.commands.repetition import repeated
from evergreen.launch import options
from evergreen.screen import suggesting
from evergreen.texts import visible

if TYPE_CHECKING:
    from ml_metadata.metadata_store import MetadataStore

    from evergreen.lineage.reader import Lineage
    from evergreen.lineage.registry import Registry
    from evergreen.runs.plan import RunRecord
    from evergreen.settings import Settings

R = TypeVar("R")
LOCAL = ("local",)
PANEL = "Settings"
Folder = Annotated[
    Path,
    typer.Option("--project", help="The project's folder, or one below it.", rich_help_panel=PANEL),
]
UseCase = Annotated[
    str,
    typer.Option(
        "--use-case",
        "-u",
        metavar="NAME",
        help="The use case: models/NAME, data/NAME, configs/NAME.yaml.",
        rich_help_panel=PANEL,
    ),
]
Overlays = Annotated[
    list[str],
    typer.Option(
        "--config",
        help="Environment in configs/, or a .yaml file; repeatable.",
        rich_help_panel=PANEL,
    ),
]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="Override a setting; repeatable.",
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True)
class Project:
    """A project with its settings; its store is opened on first use.

    Attributes:
        place: The project's folder, or one below it.
        use_case: The name of the use case; empty if it is not given.
        given: Names of environments in `configs/`, of the use case, or files, as they were given.
        overrides: `section.key=value` pairs.
        usual: The environments if none is given.
    """

    place: Path
    use_case: str = ""
    given: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    usual: tuple[str, ...] = LOCAL

    def overridden(self, *pairs: str) -> Self:
        """Returns the project with more overrides."""
        return replace(self, overrides=(*self.overrides, *pairs))

    @cached_property
    def folder(self) -> Path:
        """The project's folder."""
        from evergreen.settings import find_project

        return find_project(self.place)

    @cached_property
    def overlays(self) -> tuple[str, ...]:
        """The names of environments, of the use case, or files."""
        from evergreen.settings.load import in_environment

        return tuple(in_environment(self.folder, self.given, self.usual))

    @cached_property
    def members(self) -> "tuple[Project, ...]":
        """The project by use case: the named one alone, else all, in the order of their names."""
        from evergreen.settings.use_cases import use_cases

        known = [] if self.is_named else use_cases(self.folder)
        return tuple(replace(self, use_case=name) for name in known) or (self,)

    @cached_property
    def is_named(self) -> bool:
        """Whether the options name one use case; else all are meant."""
        from evergreen.settings.use_cases import named, use_cases

        known = use_cases(self.folder)
        return bool(named(known, self.given, self.overrides, self.use_case)) or not known

    @property
    def as_given(self) -> list[str]:
        """The options as they were given, without those that were not."""
        place = [] if self.place == Path() else ["--project", str(self.place)]
        use_case = ["--use-case", self.use_case] if self.use_case else []
        configs = (word for name in self.given for word in ("--config", name))
        pairs = (word for pair in self.overrides for word in ("--set", pair))
        return [*place, *use_case, *configs, *pairs]

    def apart(self, *folders: str) -> "tuple[Project, ...]":
        """Returns the members, whose folders must differ.

        Args:
            folders: Settings of folders, such as `serving.base_path`.

        Raises:
            SettingsError: If two use cases have one folder, such as by `--set`.
        """
        from evergreen.errors import SettingsError

        taken: dict[tuple[str, object], str] = {}
        for member in self.members:
            name = member.settings.use_case
            for key in folders:
                folder = reduce(getattr, key.split("."), member.settings)
                other = taken.setdefault((key, folder), name)
                if folder and other != name:
                    raise SettingsError(
                        f"{key} is {folder} for {other} and for {name}.",
                        hint=f"Put {{use_case}} into it, or take one: -u {name}",
                    )
        return self.members

    @property
    def options(self) -> list[str]:
        """The options with which another command finds it."""
        return options(self.folder, self.settings.use_case, self.overlays, self.overrides)

    @cached_property
    def settings(self) -> "Settings":
        """The settings; reading them makes the project's code importable.

        The project comes first on the path, so that its own code runs, and not an installed
        project's.
        """
        from evergreen.settings import load_settings
        from evergreen.settings.sources import remarks

        sys.path.insert(0, str(self.folder))
        settings = load_settings(self.folder, self.overlays, self.overrides, self.use_case)
        for remark in remarks(self.overrides):
            typer.echo(visible(remark), err=True)
        return settings

    @cached_property
    def store(self) -> "MetadataStore":
        """The metadata store."""
        from evergreen.lineage.store import open_store

        return open_store(self.settings.metadata)

    @cached_property
    def lineage(self) -> "Lineage":
        """The read API over the store."""
        from evergreen.lineage.reader import Lineage

        return Lineage(self.store, self.settings.model.name)

    @cached_property
    def registry(self) -> "Registry":
        """The registry of the model's versions."""
        from evergreen.lineage.registry import Registry

        return Registry.of(self.settings, self.store)

    def state(self, record: "RunRecord") -> str:
        """Returns a run's outcome, else `running`, or `died` if no process works on it."""
        from evergreen.lineage.claims import state

        return state(record, self.settings.pipeline.root)


def project_options(command: Callable[..., R], usual: Sequence[str] = LOCAL) -> Callable[..., R]:
    """Gives a command the options that name a project, in place of its first parameter.

    Args:
        command: The command; its first parameter is the project.
        usual: The environments if none is given.
    """

    @wraps(command)
    def called(
        project: Path, use_case: str, config: list[str], overrides: list[str], **given: Any
    ) -> R:
        found = Project(project, use_case, tuple(config), tuple(overrides), tuple(usual))
        with suggesting(partial(repeated, options=found.as_given)):
            return command(found, **given)

    _, *own = inspect.signature(command).parameters.values()
    shared = (
        ("project", Path(), Folder),
        ("use_case", "", UseCase),
        ("config", (), Overlays),
        ("overrides", (), Overrides),
    )
    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
        )
        for name, default, annotation in shared
    ]
    called.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    return called
