"""`evergreen serve`: the embedded model server."""

import logging
from functools import partial
from typing import TYPE_CHECKING

import typer

from evergreen.commands.project import Project, project_options

if TYPE_CHECKING:
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

NAMES_MODELS = ("--model_config_file", "--model_base_path")
OWN = (
    "--rest_api_port=8501",
    "--max_num_load_retries=0",
    "--force_allow_any_version_labels_for_unavailable_models",
)
"""Flags for serving the project's own model: its registered versions are complete, so loads need no
retries, and labels may precede their versions."""


@project_options
def serve(
    project: Project,
    context: typer.Context,
) -> None:
    """Serves models by TensorFlow Serving's API: gRPC on port 8500, REST on port 8501.

    By default it serves the models of all use cases, or of the one that is named: the serving
    version, and the canary. It accepts all flags of [bold]tensorflow_model_server[/bold]; with
    --model_config_file or --model_base_path it serves what they name. They are listed by
    [bold]python -m evergreen.serving.model_server --help[/bold].

    Example: [bold]evergreen serve --enable_batching[/bold]
    """
    from evergreen.serving.model_server.__main__ import main

    if any(flag.partition("=")[0] in NAMES_MODELS for flag in context.args):
        raise typer.Exit(main(context.args))

    raise typer.Exit(main([*OWN, *context.args], partial(exposed, project)))


def exposed(project: Project) -> "ModelServerConfig":
    """Returns what the registry exposes of every use case that has a version to serve.

    Raises:
        NothingToServeError: If none has.
    """
    from evergreen.serving.exposing.assignment import NothingToServeError, from_registry
    from evergreen.serving.protos import ModelServerConfig

    found, nothing = ModelServerConfig(), None
    for member in project.apart("serving.base_path"):
        try:
            config = from_registry(member.settings, member.store)
        except NothingToServeError as error:
            nothing = error
            continue
        [model] = config.model_config_list.config
        labels = ", ".join(f"{number} ({label})" for label, number in model.version_labels.items())
        logging.info("the registry exposes of model %s: version %s", model.name, labels)
        found.MergeFrom(config)
    if nothing and not found.model_config_list.config:
        raise nothing
    logging.info("next, once it runs: evergreen predict FILE, or evergreen gateway")
    return found
