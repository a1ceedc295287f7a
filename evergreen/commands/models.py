"""`evergreen models`, `promote`, `rollback`, `archive`, `reset-baseline`: the model registry."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project, read_settings, user

if TYPE_CHECKING:
    from evergreen.lineage.registry import Registry
    from evergreen.lineage.stages import Event

Version = Annotated[int, typer.Argument(help="A version, of `evergreen models`.")]
Reason = Annotated[str, typer.Option(help="Why, for the log.")]
BY_HAND = "by hand"


def models(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
    log: Annotated[bool, typer.Option("--log", help="Show every event, oldest first.")] = False,
) -> None:
    """Lists the versions of the model with their stages, or the log that these follow from.

    Example: [bold]evergreen models --log[/bold]
    """
    events = _registry(project, config, overrides).events()
    (_print_log if log else _print_versions)(events)
    typer.echo("next: evergreen promote VERSION" if events else "next: evergreen run")


def promote(
    version: Version,
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006
    overrides: Overrides = [],  # noqa: B006
    reason: Reason = BY_HAND,
) -> None:
    """Makes a version serving; the one that served is archived.

    Example: [bold]evergreen promote 2 --reason "held for a week"[/bold]
    """
    registry = _registry(project, config, overrides)
    _check_files(registry.events(), version)
    _print_changed(registry.promote(version, user(), reason))


def rollback(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006
    overrides: Overrides = [],  # noqa: B006
    to: Annotated[int, typer.Option(help="A version that served before; the last, if 0.")] = 0,
    reason: Reason = BY_HAND,
) -> None:
    """Goes back to the version that served before; the current one is rejected.

    Example: [bold]evergreen rollback --reason "wrong fares"[/bold]
    """
    from evergreen.lineage.stages import to_roll_back

    registry = _registry(project, config, overrides)
    events = registry.events()
    target = to_roll_back(events, to or None).version
    _check_files(events, target)
    _print_changed(registry.rollback(target, user(), reason))


def archive(
    version: Version,
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006
    overrides: Overrides = [],  # noqa: B006
    reason: Reason = BY_HAND,
) -> None:
    """Takes a version that does not serve out of use.

    Example: [bold]evergreen archive 1[/bold]
    """
    registry = _registry(project, config, overrides)
    _print_changed(registry.archive(version, user(), reason))


def reset_baseline(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006
    overrides: Overrides = [],  # noqa: B006
    reason: Reason = BY_HAND,
) -> None:
    """Archives the serving version, so that the next one is held to absolute thresholds alone.

    Example: [bold]evergreen reset-baseline --reason "the label has changed"[/bold]
    """
    registry = _registry(project, config, overrides)
    _print_changed(registry.reset_baseline(user(), reason))


def _registry(project: Path, config: list[str], overrides: list[str]) -> "Registry":
    settings = read_settings(project, config, overrides)

    from evergreen.lineage.registry import Registry
    from evergreen.lineage.store import open_store

    return Registry(open_store(settings.metadata), settings.model.name)


def _check_files(events: "list[Event]", version: int) -> None:
    """Refuses a version whose files are not where they were pushed to."""
    from evergreen.lineage.stages import RegistryError

    paths = [event.evidence.get("path") for event in events if event.model.version == version]
    path = next((Path(path) for path in paths if path), None)
    if path is not None and not (path / "saved_model.pb").is_file():
        raise RegistryError(
            f"version {version}: its files are not at {path}.",
            hint="Restore them, or train and push a new version: evergreen run --no-cache",
        )


def _print_versions(events: "list[Event]") -> None:
    from rich.console import Console
    from rich.table import Table

    from evergreen.lineage.stages import stages

    entered = {event.model.version: event for event in reversed(events)}
    table = Table("version", "stage", "pushed", "by")
    table.add_column("run", no_wrap=True)
    for version, stage in sorted(stages(events).items()):
        event = entered[version]
        run = event.evidence.get("run", "-")
        table.add_row(str(version), stage, f"{event.when:%Y-%m-%d %H:%M}", event.who, run)
    Console().print(table)


def _print_log(events: "list[Event]") -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    for event in events:
        what = f"{event.action}: version {event.model.version} is {event.stage}"
        console.print(
            f"{event.when:%Y-%m-%d %H:%M:%S}  [bold]{what}[/bold]  by {escape(event.who)}: "
            f"{escape(event.why)}"
        )
        for name, value in event.evidence.items():
            console.print(f"    {name}: {escape(value)}")


def _print_changed(event: "Event") -> None:
    typer.echo(f"version {event.model.version} is {event.stage} now ({event.action}).")
    typer.echo("next: evergreen models --log")
