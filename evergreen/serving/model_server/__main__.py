"""`python -m evergreen.serving.model_server`: the command line of `tensorflow_model_server`."""

import logging
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from evergreen.muted import tensorflow_muted
from evergreen.serving.model_server import flags

if TYPE_CHECKING:
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

FAILED = 255
"""Exit code of a server that could not start: the -1 of `tensorflow_model_server`."""


def main(arguments: Sequence[str], models: "Callable[[], ModelServerConfig] | None" = None) -> int:
    """Serves until SIGTERM or SIGINT.

    Args:
        arguments: Flags.
        models: The models to serve, instead of those that the flags name.

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
    with tensorflow_muted():
        from evergreen.serving.model_server.core.errors import ServingError
        from evergreen.serving.model_server.server import run

    try:
        run(options, models() if models else None)
    except ServingError as error:
        sys.stdout.write(f"Failed to start server. Error: {error.code.name}: {error.message}\n")
        return FAILED
    return 0


def _prepare() -> None:
    """Speeds up the start of TensorFlow; called before it is imported."""
    # TensorFlow 2.21 imports Keras if it is installed. SavedModels do not need it, and it takes a
    # third of the import time.
    sys.modules.setdefault("keras", None)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
