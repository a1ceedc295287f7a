"""Keeps what TensorFlow's C++ code prints off the terminal of a person."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def tensorflow_muted() -> Iterator[None]:
    """Drops what is written to standard error while TensorFlow is imported, whatever its level.

    What goes wrong reaches us as exceptions; what it prints is about GPUs that are not there. Later
    on it obeys the environment variable that is set here, unless somebody set it already.
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
