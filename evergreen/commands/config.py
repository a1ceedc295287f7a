"""`evergreen config`: what the settings are."""

import json

import typer

from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project, read_settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def config() -> None:
    """Look at the settings.

    Example: [bold]evergreen config show[/bold]
    """


@app.command()
def show(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Prints the settings as YAML: all files and overrides merged, paths absolute.

    Example: [bold]evergreen config show --config production --set data.period=month[/bold]
    """
    settings = read_settings(project, config, overrides)

    from omegaconf import OmegaConf

    values = json.loads(settings.model_dump_json(by_alias=True))
    typer.echo(OmegaConf.to_yaml(OmegaConf.create(values)), nl=False)
