"""Checks that a pushed version still serves: a model server loads it and answers its requests."""

from pathlib import Path

from evergreen.files import has_model
from evergreen.muted import tensorflow_muted
from evergreen.settings import Settings

LOAD_SECONDS = 120.0


def why_not(settings: Settings, version: Path) -> str:
    """Returns why a version cannot be served; nothing if it can.

    A model server of its own, that which models are validated with, loads it and answers the
    requests that were recorded when it was validated: they are the warm-up that it carries.

    Args:
        settings: The project's settings.
        version: The folder of the version.

    Raises:
        EvergreenError: If there is no model server.
    """
    if not has_model(version):
        return f"{version}/saved_model.pb is not there"
    with tensorflow_muted():
        from evergreen.serving.trial import program
        from evergreen.serving.trial.exported import UnservableError
        from evergreen.serving.trial.server import ModelServer
    command = program.find(str(settings.serving.model_server or ""))
    with ModelServer(command, settings.model.name, LOAD_SECONDS, LOAD_SECONDS) as server:
        try:
            server.load(version, {})
        except UnservableError as error:
            return str(error)
    return ""
