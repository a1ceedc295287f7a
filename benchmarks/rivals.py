"""Environments of their own for what others make, with packages that are pinned."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from evergreen.errors import EvergreenError

UV = Path(sys.executable).with_name("uv")


def environment(name: str, packages: Sequence[str], folder: Path) -> Path:
    """Makes an environment with what is pinned, unless it is there; returns its interpreter.

    Args:
        name: Of the environment.
        packages: What is installed, pinned.
        folder: Of all environments.

    Raises:
        EvergreenError: If it cannot be made.
    """
    python = folder / name.lower() / "bin" / "python"
    wanted = python.parents[1] / "packages.txt"
    if wanted.is_file() and wanted.read_text().split() == list(packages):
        return python
    run([str(UV), "venv", "--clear", "--python", sys.executable, str(python.parents[1])])
    run([str(UV), "pip", "install", "--python", str(python), *packages])
    wanted.write_text("\n".join(packages))
    return python


def run(command: Sequence[str]) -> None:
    """Runs a command to its end.

    Raises:
        EvergreenError: If it fails.
    """
    ran = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if ran.returncode:
        raise EvergreenError(
            f"{' '.join(command)}: ended with exit code {ran.returncode}: {ran.stderr[-2000:]}",
            hint="The rivals' packages come from PyPI, and need a network once.",
        )
