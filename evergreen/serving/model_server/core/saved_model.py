"""SavedModels from disk: TensorFlow 2's and TensorFlow 1's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc
import tensorflow as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from evergreen.serving.model_server.core.errors import ServingError, not_found
from evergreen.serving.model_server.core.signatures import CODES, Signature

NO_OP = re.compile(r"(Op type not registered|No OpKernel was registered to support Op) '[^']+'")


@dataclass(frozen=True)
class Loaded:
    """A SavedModel in memory.

    Attributes:
        session: Runs the graph, and holds its variables and tables.
        definitions: All signatures of the graph, as on disk.
        signatures: The callable signatures.
    """

    session: tf.compat.v1.Session
    definitions: Mapping[str, SignatureDef]
    signatures: Mapping[str, Signature]


def load(path: str, tags: Sequence[str], parallelism: tuple[int, int] = (0, 0)) -> Loaded:
    """Loads the graph of a SavedModel that has exactly these tags.

    It is loaded into a session, as by TensorFlow Serving, whether from TensorFlow 1 or 2. A session
    allows names that Python does not, and its calls take a fifth of the time of a TensorFlow 2
    function.

    Args:
        path: Its folder.
        tags: The tags of the graph.
        parallelism: Threads within and between operations; TensorFlow's choice if 0.

    Raises:
        ServingError: If it cannot be loaded; with TensorFlow's code if there is one.
    """
    definitions = _definitions(path, tags)
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=parallelism[0], inter_op_parallelism_threads=parallelism[1]
    )
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    try:
        with session.graph.as_default():
            tf.compat.v1.saved_model.load(session, list(tags), path)
        session.graph.finalize()
        signatures = {
            name: Signature(name, definition, session) for name, definition in definitions.items()
        }
    except Exception as error:  # TensorFlow raises all kinds for a broken SavedModel
        session.close()
        raise _failure(error) from error
    return Loaded(session, definitions, signatures)


def _failure(error: Exception) -> ServingError:
    text = str(getattr(error, "message", error))
    if missing := NO_OP.search(text):
        return not_found(
            f"{missing[0]} in this server, which has the operations of TensorFlow {tf.__version__} "
            "and no add-ons. TensorFlow Serving has those of TensorFlow Text and Decision Forests, "
            "too. Serve the model there, or let clients compute what they do."
        )
    if isinstance(error, tf.errors.OpError):
        return ServingError(CODES[error.error_code], text)
    return ServingError(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {text}")


def _definitions(path: str, tags: Sequence[str]) -> dict[str, SignatureDef]:
    for graph in _read(path).meta_graphs:
        if set(graph.meta_info_def.tags) == set(tags):
            copies = {name: SignatureDef() for name in graph.signature_def}
            for name, copy in copies.items():  # copied without the graph, which is large
                copy.CopyFrom(graph.signature_def[name])
            return copies
    raise not_found(
        f"Could not find meta graph def matching supplied tags: {{ {' '.join(tags)} }}. To "
        "inspect available tag-sets in the SavedModel, please use the SavedModel CLI: "
        "`saved_model_cli`"
    )


def _read(path: str) -> SavedModel:
    try:
        if tf.io.gfile.exists(f"{path}/saved_model.pb"):
            with tf.io.gfile.GFile(f"{path}/saved_model.pb", "rb") as file:
                return SavedModel.FromString(file.read())
        with tf.io.gfile.GFile(f"{path}/saved_model.pbtxt") as file:
            return text_format.Parse(file.read(), SavedModel())
    except tf.errors.OpError as error:
        raise not_found(
            f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}"
        ) from error
    except (DecodeError, text_format.ParseError) as error:
        raise ServingError(
            grpc.StatusCode.DATA_LOSS, f"Can't parse {path}/saved_model.pb as binary proto"
        ) from error
