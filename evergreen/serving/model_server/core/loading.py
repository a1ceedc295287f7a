"""SavedModels from disk: TensorFlow 2's and TensorFlow 1's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import tensorflow as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from evergreen.serving.model_server.core.errors import ServingError, not_found
from evergreen.serving.model_server.core.signatures import CODES, Signature


@dataclass(frozen=True)
class Loaded:
    """A SavedModel in memory.

    Attributes:
        root: What TensorFlow loaded: variables and tables live as long as it.
        definitions: All signatures of the graph, as they are on disk.
        signatures: Those that can be called.
    """

    root: Any
    definitions: Mapping[str, SignatureDef]
    signatures: Mapping[str, Signature]


def load(path: str, tags: Sequence[str]) -> Loaded:
    """Loads the graph of a SavedModel that has exactly these tags.

    Raises:
        ServingError: If it cannot be loaded; with TensorFlow's code, if it gives one.
    """
    definitions = _definitions(path, tags)
    try:
        root = tf.saved_model.load(path, tags=list(tags))
        signatures = {
            name: Signature(name, definitions[name], function)
            for name, function in root.signatures.items()
        }
    except tf.errors.OpError as error:
        raise ServingError(CODES[error.error_code], error.message) from error
    except Exception as error:  # TensorFlow raises most kinds for a broken SavedModel
        raise ServingError(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}") from error
    return Loaded(root, definitions, signatures)


def _definitions(path: str, tags: Sequence[str]) -> dict[str, SignatureDef]:
    for graph in _read(path).meta_graphs:
        if set(graph.meta_info_def.tags) == set(tags):
            copies = {name: SignatureDef() for name in graph.signature_def}
            for name, copy in copies.items():  # without the graph, which is large
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
