"""`python -m evergreen.serving.model_server`: the command line of `tensorflow_model_server`."""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from evergreen.serving.model_server import flags

if TYPE_CHECKING:
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

FAILED = 255
"""Exit code of a server that did not start: the -1 of `tensorflow_model_server`."""


def main(arguments: Sequence[str], models: "Callable[[], ModelServerConfig] | None" = None) -> int:
    """Serves until SIGTERM or SIGINT.

    Args:
        arguments: Flags.
        models: What to serve, instead of what the flags name.

    Returns:
        The exit code: 0 after the drain, 255 if the server could not start.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    try:
        options = flags.parse(arguments)
    except flags.FlagError as error:
        sys.stdout.write(f"{error}\n")
        return FAILED
    _prepare()
    logging.info("loading TensorFlow")
    with _muted():
        from evergreen.serving.model_server.core.errors import ServingError
        from evergreen.serving.model_server.server import run

    try:
        run(options, models() if models else None)
    except ServingError as error:
        sys.stdout.write(f"Failed to start server. Error: {error.code.name}: {error.message}\n")
        return FAILED
    return 0


def _prepare() -> None:
    """Makes TensorFlow start faster and say less; before it is imported."""
    # Its errors reach us as exceptions; what it prints is about GPUs that are not there.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow 2.21 imports Keras if it is there. A SavedModel needs none, and it is a third of
    # the time that the import takes.
    sys.modules.setdefault("keras", None)  # type: ignore[arg-type]


@contextmanager
def _muted() -> Iterator[None]:
    """Drops what TensorFlow's C++ code prints while it is imported, whatever its level is."""
    sys.stderr.flush()
    saved = os.dup(sys.stderr.fileno())
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
    try:
        yield
    finally:
        os.dup2(saved, sys.stderr.fileno())
        os.close(saved)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
