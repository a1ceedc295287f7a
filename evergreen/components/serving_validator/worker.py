"""The program of the fresh process: loads a SavedModel with TensorFlow alone, and answers.

It is started by its path, not as a module, so that nothing else is imported: not the package it is
in, not TFX, not Keras. It talks over an inherited socket. Requests come in as (signature, inputs);
out go pairs of a kind and its content: STARTED, then LOADED with seconds or ERROR with a text, then
an ANSWER with outputs or an ERROR for each request.
"""

import os
import sys
import threading
import time
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

STARTED, LOADED, ANSWER, ERROR = "started", "loaded", "answer", "error"
MAX_CHARACTERS = 500  # of an error: TensorFlow repeats whole graphs


def load(path: str) -> Any:
    """Loads a SavedModel."""
    import tensorflow as tf

    return tf.saved_model.load(path)


def answer(model: Any, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Returns the outputs of a signature for its inputs, arrays by name."""
    import tensorflow as tf

    tensors = {name: tf.constant(values) for name, values in inputs.items()}
    outputs = model.signatures[signature](**tensors)
    return {name: tensor.numpy() for name, tensor in outputs.items()}


def describe(error: Exception) -> str:
    """Returns the kind and the text of an error, not too long."""
    text = f"{type(error).__name__}: {error}"
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}..."


def serve(path: str, connection: Connection) -> None:
    """Answers requests until the other side is gone."""
    requests: SimpleQueue[tuple[str, dict[str, Any]]] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, requests), daemon=True).start()
    # TensorFlow 2.21 imports Keras if it is there. A model server has none, and it is a third of
    # the time that the import takes.
    sys.modules.update(dict.fromkeys(("keras", "tf_keras")))  # type: ignore[arg-type]
    import tensorflow  # noqa: F401 - what takes long is not part of loading the model

    connection.send((STARTED, None))
    start = time.monotonic()
    try:
        model = load(path)
    except Exception as error:  # the other side judges it
        connection.send((ERROR, describe(error)))
        return
    connection.send((LOADED, time.monotonic() - start))
    while True:
        connection.send(_reply(model, *requests.get()))


def _reply(model: Any, signature: str, inputs: dict[str, Any]) -> tuple[str, Any]:
    try:
        return ANSWER, answer(model, signature, inputs)
    except Exception as error:  # the other side judges it
        return ERROR, describe(error)


def _receive(connection: Connection, requests: SimpleQueue[tuple[str, dict[str, Any]]]) -> None:
    """Ends the process with the other side, even while a model is at work that never ends."""
    try:
        while True:
            requests.put(connection.recv())
    except (EOFError, OSError):
        os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1], Connection(int(sys.argv[2])))
