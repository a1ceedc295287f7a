"""The origin of a run: its commit, image and machine."""

import os
import shutil
import socket
import subprocess
from importlib.metadata import version
from pathlib import Path

from evergreen.runs.plan import Provenance

IMAGE = "EVERGREEN_IMAGE_DIGEST"
"""The environment variable with the image's digest, set by whatever starts the container."""


def take_provenance(project: Path) -> Provenance:
    """Reads the present state of git, the environment and the machine.

    Args:
        project: A folder of the project. Without git, or outside a repository, there is no commit.
    """
    commit = _git(project, "rev-parse", "HEAD")
    changed = _git(project, "status", "--porcelain", "--untracked-files=no") if commit else ""
    return Provenance(
        commit=commit,
        dirty=bool(changed),
        image=os.environ.get(IMAGE, ""),
        host=socket.gethostname(),
        package=version("evergreen"),
    )


def _git(folder: Path, *words: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    said = subprocess.run(  # noqa: S603 - arguments of our own
        [git, "-C", str(folder), *words], capture_output=True, text=True, check=False
    )
    return said.stdout.strip() if said.returncode == 0 else ""
