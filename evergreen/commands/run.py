"""`evergreen run`: runs the pipeline, from spans to a pushed model."""

from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.execution import execute
from evergreen.commands.options import line, user
from evergreen.commands.project import Project, project_options
from evergreen.exit_codes import ExitCode
from evergreen.texts import many

if TYPE_CHECKING:
    from evergreen.settings import Settings

OUTCOMES = [code for code in ExitCode if code is not ExitCode.FOUND]


@project_options
def run(
    project: Project,
    orchestrator: Annotated[
        str, typer.Option(help="The orchestrator; see `evergreen orchestrators`.")
    ] = "",
    spans: Annotated[
        str, typer.Option(help="Spans to train on, such as 1-3 or 1,2,5; all if not given.")
    ] = "",
    cache: Annotated[
        bool | None,
        typer.Option("--cache/--no-cache", help="Whether to reuse equal executions."),
    ] = None,
    experiment: Annotated[
        bool, typer.Option("--experiment", help="Run everything, but never push.")
    ] = False,
    reason: Annotated[
        str, typer.Option(help="The reason, for the record.", callback=line)
    ] = "on demand",
) -> None:
    """Ingests new spans, trains, evaluates, and pushes the model if it passes the gates.

    If there are no spans yet, the use case's source is cut into spans first.

    Example: [bold]evergreen run --spans 1-3[/bold]
    """
    if orchestrator:
        project = project.overridden(f"pipeline.orchestrator={orchestrator}")
    if cache is not None:
        project = project.overridden(f"pipeline.cache={str(cache).lower()}")
    settings = project.settings

    from evergreen.preflight.declaration import check_declaration
    from evergreen.runs.plan import Request

    check_declaration(settings)
    if not spans:
        _cut_first(settings)
    request = Request(
        spans=spans or None,
        requested_by=user(),
        reason=reason,
        experiment=experiment,
        cache=settings.pipeline.cache,
        overrides=project.overrides,
    )
    raise typer.Exit(execute(settings, lambda runner: runner(request)))


def _cut_first(settings: "Settings") -> None:
    """Cuts the project's own source, if there are no spans yet."""
    from evergreen.commands.data import cut
    from evergreen.spans import list_spans

    if not list_spans(settings.data.span_root):
        made = cut(settings.data)
        rows = sum(span.rows for span in made)
        typer.echo(f"data: {many(len(made), 'span')} with {many(rows, 'row')}, newly cut")


run.__doc__ = "\n".join(
    (
        str(run.__doc__),
        "[bold]exit codes[/bold]  " + " · ".join(f"{code:d} {code.meaning}" for code in OUTCOMES),
    )
)
