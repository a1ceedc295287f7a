"""The pipeline on Kubeflow Pipelines: `python kubeflow_runner.py --help`."""

import sys

from evergreen.cli import explain
from evergreen.commands.kubeflow import app
from evergreen.errors import EvergreenError

if __name__ == "__main__":
    try:
        app()
    except EvergreenError as error:
        sys.exit(explain(error))
