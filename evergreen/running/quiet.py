"""Sends the libraries' output to a log file, and keeps the terminal for people."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console


@contextmanager
def quiet(log: Path) -> Iterator[Console]:
    """Redirects the process's output to a log file, at the level of file descriptors.

    TensorFlow and Beam write from C++ too, past `sys.stdout` and `logging`.

    Args:
        log: The log file; appended to.

    Yields:
        A console on the original standard output.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    with log.open("a") as target, os.fdopen(os.dup(saved[0]), "w") as terminal:
        os.dup2(target.fileno(), 1)
        os.dup2(target.fileno(), 2)
        logging.basicConfig(level=logging.INFO, stream=sys.stderr)
        try:
            yield Console(file=terminal)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in enumerate(saved, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)
