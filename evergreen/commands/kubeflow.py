"""`python kubeflow_runner.py`: compiles, deploys, runs and schedules the pipeline on Kubeflow."""

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evergreen.commands.options import LocalFiles, user
from evergreen.commands.project import Project, project_options
from evergreen.errors import SettingsError, complete
from evergreen.screen import next_step

if TYPE_CHECKING:
    from evergreen.orchestrators.kubeflow.client import Client
    from evergreen.orchestrators.kubeflow.schedules import Schedules
    from evergreen.settings import Settings

app = typer.Typer(
    cls=LocalFiles,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="The pipeline on Kubeflow Pipelines: docs/kubeflow.md.",
    epilog="Start with [bold]python kubeflow_runner.py compile[/bold].",
)
kubeflow_options = partial(project_options, usual=("kubeflow",))
COMPILED = Path("var/kubeflow/pipeline.yaml")
RUNS_SHOWN = 10
LENGTH = 36
"""Of Kubeflow's ids, which are UUIDs."""

RunId = Annotated[str, typer.Argument(help="Kubeflow's id of a run, or its beginning.")]
Spans = Annotated[str, typer.Option(help="Spans to train on, such as 1-3; all if not given.")]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="A hyper-parameter; repeatable."),
]
Reason = Annotated[str, typer.Option(help="The reason, for the record.")]


@app.command(name="compile")
@kubeflow_options
def compile_(
    project: Project,
    output: Annotated[Path, typer.Option(help="The file to write.")] = COMPILED,
) -> None:
    """Compiles the pipeline to a file that Kubeflow Pipelines runs.

    Example: [bold]python kubeflow_runner.py compile --output pipeline.yaml[/bold]
    """
    settings = project.settings
    text = _compile(project)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text)
    typer.echo(f"compiled {settings.pipeline.name}: {output}, {len(text) / 1024:.0f} KiB")
    next_step("python kubeflow_runner.py deploy")


@app.command()
@kubeflow_options
def deploy(project: Project) -> None:
    """Uploads the pipeline as a version named after the version of the code.

    Example: [bold]python kubeflow_runner.py deploy[/bold]
    """
    settings = project.settings
    client, name = _client(settings)
    new = client.deploy(_compile(project), name)
    typer.echo(f"{'deployed' if new else 'is there already:'} version {name}")
    next_step("python kubeflow_runner.py run")


@app.command()
@kubeflow_options
def run(
    project: Project,
    spans: Spans = "",
    parameters: Parameters = None,
    experiment: Annotated[
        bool, typer.Option("--experiment", help="Run everything, but never push.")
    ] = False,
    record: Annotated[
        str, typer.Option(help="The run id of a run that was planned elsewhere, or failed.")
    ] = "",
    reason: Reason = "on demand",
) -> None:
    """Starts a run of the deployed version.

    Example: [bold]python kubeflow_runner.py run --spans 1-3[/bold]
    """
    client, name = _client(project.settings)
    asked = {"run": record, "experiment": experiment, **_asked(spans, parameters, reason)}
    started = client.run(name, asked)
    typer.echo(f"started {started} of version {name}")
    next_step(f"python kubeflow_runner.py status {started}")


@app.command()
@kubeflow_options
def schedule(
    project: Project,
    cron: Annotated[str, typer.Argument(help="minute hour day month weekday, in UTC; or `off`.")],
    spans: Spans = "",
    parameters: Parameters = None,
) -> None:
    """Makes the cluster plan runs on a schedule, which replaces the present one.

    Example: [bold]python kubeflow_runner.py schedule "0 3 * * *"[/bold]
    """
    settings = project.settings
    client, name = _client(settings)
    schedules = _schedules(client, settings)
    if cron == "off":
        schedules.stop()
        typer.echo("nothing is scheduled any more")
    else:
        asked = _asked(spans, parameters, f"scheduled: {cron}")
        schedules.replace(name, cron, asked | {"requested_by": "schedule"})
        typer.echo(f"scheduled version {name}: {cron}")
    for schedule in schedules.tidy():
        typer.echo(
            f"a run of the old schedule {schedule.recurring_run_id} goes on; it is deleted later"
        )
    next_step("python kubeflow_runner.py status")


@app.command()
@kubeflow_options
def status(
    project: Project,
    run_id: Annotated[
        str, typer.Argument(help="Kubeflow's id of a run, or its beginning; all if not given.")
    ] = "",
) -> None:
    """Shows the tasks of a run; without a run, the schedule and the last runs.

    Example: [bold]python kubeflow_runner.py status[/bold]
    """
    from evergreen.orchestrators.kubeflow.display import show_all, show_run

    settings = project.settings
    client, name = _client(settings)
    if run_id:
        show_run(client.get(_run_id(client, run_id)))
    else:
        show_all(name, _schedules(client, settings).all(), client.runs(), RUNS_SHOWN)


@app.command()
@kubeflow_options
def logs(
    project: Project,
    run_id: RunId,
    task: Annotated[str, typer.Option(help="One task only, such as trainer.")] = "",
) -> None:
    """Prints the logs of a run's containers, in order of their start.

    Example: [bold]python kubeflow_runner.py logs RUN --task trainer[/bold]
    """
    client, _ = _client(project.settings)
    run_id = _run_id(client, run_id)
    pods = [pod for pod in client.pods(run_id) if task in ("", pod.task)]
    if not pods:
        typer.echo("no container of that name was started")
    for pod in pods:
        typer.secho(f"== {pod.task} ({pod.name})", bold=True)
        typer.echo(client.log(run_id, pod))


@app.command()
@kubeflow_options
def delete(
    project: Project,
    run_id: Annotated[
        str, typer.Option("--run", help="A run, by Kubeflow's id or its beginning.")
    ] = "",
    version: Annotated[str, typer.Option("--version", help="A version, by its name.")] = "",
) -> None:
    """Deletes a run that has ended, or a version; ML Metadata and artifacts stay.

    Example: [bold]python kubeflow_runner.py delete --run RUN[/bold]
    """
    if bool(run_id) == bool(version):
        raise SettingsError("nothing to delete was named.", hint="Give either --run or --version.")
    client, _ = _client(project.settings)
    if run_id:
        run_id = _run_id(client, run_id)
        client.delete_run(run_id)
    else:
        client.delete_version(version)
    typer.echo(f"deleted {run_id or version}")


def _compile(project: Project) -> str:
    from evergreen.running.quiet import quiet

    with quiet(Path(os.devnull)):  # errors are raised; the output is TensorFlow's
        from evergreen.orchestrators.kubeflow.compiler import Overlays, compile_pipeline

        return compile_pipeline(project.settings, Overlays(project.overlays, project.overrides))


def _client(settings: "Settings") -> "tuple[Client, str]":
    """Returns the client, and the version of the code."""
    from evergreen.orchestrators.kubeflow.client import Client, code_version

    return Client(settings), code_version(settings)


def _run_id(client: "Client", beginning: str) -> str:
    """Kubeflow's id of the run whose id begins so."""
    if len(beginning) >= LENGTH:
        return beginning
    return complete(beginning, (run.run_id for run in client.runs()), "run") or beginning


def _schedules(client: "Client", settings: "Settings") -> "Schedules":
    from evergreen.orchestrators.kubeflow.schedules import Schedules

    return Schedules(client, settings.kubeflow)


def _asked(spans: str, parameters: list[str] | None, reason: str) -> dict[str, Any]:
    """Returns the parameters of a run for the options."""
    return {
        "spans": spans,
        "reason": reason,
        "requested_by": user(),
        "hyperparameters": dict(_parameter(pair) for pair in parameters or ()),
    }


def _parameter(pair: str) -> tuple[str, Any]:
    name, equals, value = pair.partition("=")
    if not equals or not name:
        raise SettingsError(
            f"--param {pair}: is not of the form name=value.",
            hint="For example: --param learning_rate=0.001",
        )
    try:
        return name, json.loads(value)
    except ValueError:  # text needs no quotes
        return name, value
