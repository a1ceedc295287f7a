"""Runs the pipeline on this machine: `python local_runner.py --help`.

It is `evergreen run`, under the name where TFX users look for it.
"""

import sys

import typer

from evergreen.cli import explain
from evergreen.commands.run import run
from evergreen.errors import EvergreenError

if __name__ == "__main__":
    try:
        typer.run(run)
    except EvergreenError as error:
        sys.exit(explain(error))
