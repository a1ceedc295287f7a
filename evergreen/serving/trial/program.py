"""Finds the model server with which models are validated."""

import shutil
import subprocess
import sys
from collections.abc import Sequence

from evergreen.errors import EvergreenError

NAME = "tensorflow_model_server"
EMBEDDED = (sys.executable, "-m", "evergreen.serving.model_server")
VERSION_SECONDS = 60.0


def find(setting: str) -> tuple[str, ...]:
    """Returns the command of the model server, without flags.

    Args:
        setting: The path of a `tensorflow_model_server`; if empty, the one found on PATH, or else
            the embedded server, which takes the same flags.

    Raises:
        EvergreenError: If the setting does not name a program.
    """
    if not setting:
        found = shutil.which(NAME)
        return (found,) if found else EMBEDDED
    if not shutil.which(setting):
        raise EvergreenError(
            f"serving.model_server = {setting}: there is no such program.",
            hint=f"Name a {NAME} that can be executed, or null for the embedded model server.",
        )
    return (setting,)


def describe(command: Sequence[str]) -> str:
    """Returns the server's version text."""
    said = subprocess.run(  # noqa: S603 - the settings name it
        [*command, "--version"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=VERSION_SECONDS,
        check=False,
    )
    version = " ".join(said.stdout.split()) if said.returncode == 0 else ""
    return version or f"{command[0]}, which does not tell its version"
