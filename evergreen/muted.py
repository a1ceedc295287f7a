"""Keeps the output of TensorFlow's C++ code off the terminal."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def tensorflow_muted() -> Iterator[None]:
    """Drops standard error while TensorFlow is imported, at any log level.

    Failures arrive as exceptions; the output is about missing GPUs. Afterwards TensorFlow follows
    the environment variable that is set here, unless the user has set it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    saved = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
