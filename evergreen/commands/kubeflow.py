"""`python kubeflow_runner.py`: compiles, deploys, runs and schedules the pipeline on Kubeflow."""

import os
from pathlib import Path
from typing import Annotated

import typer

from evergreen.commands.options import HERE, Config, Overrides, Project, read_settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Start with [bold]python kubeflow_runner.py compile[/bold]; docs/kubeflow.md has the "
    "rest.",
)
KUBEFLOW = ("kubeflow",)
COMPILED = Path("var/kubeflow/pipeline.yaml")


@app.callback()
def kubeflow() -> None:
    """The pipeline on Kubeflow Pipelines."""


@app.command(name="compile")
def compile_(
    project: Project = HERE,
    config: Config = list(KUBEFLOW),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
    output: Annotated[Path, typer.Option(help="The file to write.")] = COMPILED,
) -> None:
    """Compiles the pipeline to a file that Kubeflow Pipelines runs.

    Example: [bold]python kubeflow_runner.py compile --output pipeline.yaml[/bold]
    """
    settings = read_settings(project, config, overrides)

    from evergreen.running.quiet import quiet

    with quiet(Path(os.devnull)):  # an error is raised, not printed; the rest is TensorFlow's
        from evergreen.orchestrators.kubeflow.compiler import Overlays, compile_pipeline

        text = compile_pipeline(settings, Overlays(config, overrides))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text)
    typer.echo(f"compiled {settings.pipeline.name}: {output}, {len(text) / 1024:.0f} KiB")
    typer.echo("next: python kubeflow_runner.py deploy")
