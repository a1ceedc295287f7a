"""`evergreen promote`, `rollback`, `archive`, `reset-baseline`, `expose`: change the exposure."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.options import line, user
from evergreen.commands.project import Project, project_options
from evergreen.errors import EvergreenError, SettingsError
from evergreen.files import has_model
from evergreen.screen import next_step
from evergreen.texts import visible

if TYPE_CHECKING:
    from evergreen.lineage.stages import Event

Version = Annotated[int, typer.Argument(help="A version, of `evergreen models`.")]
Reason = Annotated[str, typer.Option(help="The reason, for the log.", callback=line)]
Expect = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="The serving version that you have seen; 0: none. If another serves by now, "
        "nothing is changed.",
    ),
]
BY_HAND = "by hand"


@project_options
def promote(
    project: Project,
    version: Version,
    reason: Reason = BY_HAND,
    evidence: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Evidence for it; repeatable.", callback=line),
    ] = None,
    expect: Expect = None,
) -> None:
    """Makes a version serving, here and on the servers, and archives the one that served.

    The settings may restrict who may do so, and require evidence: registry.promotion.

    Example: [bold]evergreen promote 2 --reason "held for a week" --evidence ticket=ML-7[/bold]
    """
    _check_files(project, version)
    _follow(project, project.registry.promote(version, user(), reason, _pairs(evidence), expect))


@project_options
def rollback(
    project: Project,
    to: Annotated[int, typer.Option(help="A version that served before; the last, if 0.")] = 0,
    reason: Reason = BY_HAND,
    expect: Expect = None,
) -> None:
    """Goes back to the previous serving version, here and on the servers; rejects the current one.

    First a private model server loads that version and answers its recorded requests. If it cannot,
    or if another version came meanwhile, nothing changes.

    Example: [bold]evergreen rollback --expect 2 --reason "wrong fares"[/bold]
    """
    from evergreen.lineage import stages

    events = project.registry.events()
    stages.expect(events, expect)
    target = stages.to_roll_back(events, to or None).version
    current = stages.serving(events)
    _check_serves(project, target)
    # The check takes a while; a version that came meanwhile must not be rejected unseen.
    seen = current.version if current else 0
    _follow(project, project.registry.rollback(target, user(), reason, seen))


@project_options
def archive(
    project: Project,
    version: Version,
    reason: Reason = BY_HAND,
) -> None:
    """Takes a version that does not serve out of use.

    Example: [bold]evergreen archive 1[/bold]
    """
    _follow(project, project.registry.archive(version, user(), reason))


@project_options
def reset_baseline(
    project: Project,
    reason: Reason = BY_HAND,
    expect: Expect = None,
) -> None:
    """Archives the serving version, so that only absolute thresholds apply to the next one.

    The servers keep serving it until the next version is pushed.

    Example: [bold]evergreen reset-baseline --reason "the label has changed"[/bold]
    """
    _print_changed(project.registry.reset_baseline(user(), reason, expect))


@project_options
def expose(project: Project) -> None:
    """Tells the servers again which versions the registry exposes.

    Example: [bold]evergreen expose[/bold]
    """
    typer.echo(visible(_expose(project)))
    next_step("evergreen models")


def _expose(project: Project) -> str:
    from evergreen.serving.exposing import expose

    return expose(project.settings, project.store)


def _follow(project: Project, event: "Event") -> None:
    """Prints the change, and makes the servers follow."""
    typer.echo(f"version {event.model.version} is {event.stage} now ({event.action}).")
    try:
        typer.echo(visible(_expose(project)))
    except EvergreenError as error:
        message = f"the registry has it, but the servers have not followed: {error}"
        raise EvergreenError(message, hint=error.hint) from error
    next_step("evergreen models --log")


def _check_files(project: Project, version: int) -> Path:
    """Returns the folder of a version; refuses one whose files are gone."""
    from evergreen.lineage.stages import RegistryError

    view = project.lineage.version(version)
    path = view.folder(project.settings.serving.base_path)
    if view.path and not has_model(path):
        raise RegistryError(
            f"version {version}: its files are not at {path}.",
            hint="Restore them, or train and push a new version: evergreen run --no-cache",
        )
    return path


def _check_serves(project: Project, version: int) -> None:
    """Refuses a version that does not load, or does not answer its recorded requests."""
    from evergreen.lineage.stages import RegistryError
    from evergreen.serving.trial.rollback import why_not

    path = _check_files(project, version)
    typer.echo(f"checking that version {version} loads and answers its recorded requests")
    if reason := why_not(project.settings, path):
        raise RegistryError(
            f"version {version} cannot be served any more: {reason}. Nothing was changed.",
            hint="Go back to another: evergreen models, then evergreen rollback --to VERSION",
        )


def _pairs(evidence: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in evidence or ()]
    if wrong := [name for name, _, value in pairs if not (name and value)]:
        raise SettingsError(
            f"--evidence {wrong[0]}: has no name, or no value.", hint="--evidence ticket=ML-7"
        )
    return {name: value for name, _, value in pairs}


def _print_changed(event: "Event") -> None:
    typer.echo(f"version {event.model.version} is {event.stage} now ({event.action}).")
    next_step("evergreen models --log")
