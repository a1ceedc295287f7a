"""Checks that a pushed version still loads in a model server and answers its requests."""

from pathlib import Path

from evergreen.files import has_model
from evergreen.muted import tensorflow_muted
from evergreen.settings import Settings

LOAD_SECONDS = 120.0


def why_not(settings: Settings, version: Path) -> str:
    """Returns why a version cannot be served; empty if it can.

    A private model server, of the program that validates models, loads the version and replays the
    requests recorded at its validation, which it has for its warm-up.

    Args:
        settings: The project's settings.
        version: The folder of the version.

    Raises:
        EvergreenError: If there is no model server.
    """
    if not has_model(version):
        return f"{version}/saved_model.pb is not there"
    with tensorflow_muted():
        from evergreen.serving.trial import process
        from evergreen.serving.trial.exported import UnservableError
        from evergreen.serving.trial.server import ModelServer
    command = process.find_program(str(settings.serving.model_server or ""))
    with ModelServer(command, settings.model.name, LOAD_SECONDS, LOAD_SECONDS) as server:
        try:
            server.load(version, {})
        except UnservableError as error:
            return str(error)
    return ""
