"""`evergreen config`: shows the settings."""

import json

import typer

from evergreen.commands.project import Project, project_options

app = typer.Typer(no_args_is_help=True)


@app.callback()
def config() -> None:
    """Shows the settings.

    Example: [bold]evergreen config show[/bold]
    """


@app.command()
@project_options
def show(project: Project) -> None:
    """Prints the settings as YAML: all files and overrides merged, with absolute paths.

    Example: [bold]evergreen config show --config production --set data.period=month[/bold]
    """
    settings = project.settings

    from omegaconf import OmegaConf

    values = json.loads(settings.model_dump_json(by_alias=True))
    typer.echo(OmegaConf.to_yaml(OmegaConf.create(values)), nl=False)
