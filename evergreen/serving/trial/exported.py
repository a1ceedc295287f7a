"""An exported model: its signatures, read from its file, and its answers in this process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from evergreen.errors import EvergreenError
from evergreen.serving.client.tensors import Tensors
from evergreen.texts import shorten

Predict = Callable[[str, Tensors], Tensors]
"""Answers a request: takes the name of a signature and its inputs, returns the outputs."""
MAX_CHARACTERS = 500  # of an error, since TensorFlow repeats whole graphs
# Used only by Evaluator and ModelGate: it changes with the preprocessing, and breaks no client.
INTERNAL = frozenset({"transform_features"})


class UnservableError(EvergreenError):
    """Raised for a model that cannot be read, loaded or asked. The validator refuses it."""


class InProcess:
    """The exported model in this process."""

    def __init__(self, model: Path) -> None:
        """Loads a SavedModel.

        Raises:
            UnservableError: If it cannot be loaded.
        """
        try:
            self._model = tf.saved_model.load(str(model))
        except Exception as error:  # a broken file makes TensorFlow raise anything
            raise UnservableError(describe(error)) from error

    def predict(self, signature: str, inputs: Tensors) -> Tensors:
        """Answers a request.

        Raises:
            UnservableError: If it cannot be answered.
        """
        tensors = {name: tf.constant(values) for name, values in inputs.items()}
        try:
            outputs = self._model.signatures[signature](**tensors)
            return {name: tensor.numpy() for name, tensor in outputs.items()}
        except Exception as error:  # the ops of a graph may raise anything
            raise UnservableError(describe(error)) from error


def describe(error: Exception) -> str:
    """Returns the type and the text of an error, shortened."""
    return shorten(f"{type(error).__name__}: {error}", MAX_CHARACTERS)


@dataclass(frozen=True)
class ExportedTensor:
    """A tensor of a signature.

    Attributes:
        dtype: The TensorFlow dtype.
        shape: The sizes, None for a variable one; None if the rank is unknown.
    """

    dtype: tf.DType
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        sizes = (
            ["..."] if self.shape is None else ["?" if n is None else str(n) for n in self.shape]
        )
        return f"{self.dtype.name}[{','.join(sizes)}]"


@dataclass(frozen=True)
class ExportedSignature:
    """Inputs and outputs of a signature, by name."""

    inputs: dict[str, ExportedTensor]
    outputs: dict[str, ExportedTensor]

    def to_text(self) -> dict[str, dict[str, str]]:
        """Returns inputs and outputs as texts, such as `float32[?]`."""
        return {
            "inputs": {name: str(spec) for name, spec in sorted(self.inputs.items())},
            "outputs": {name: str(spec) for name, spec in sorted(self.outputs.items())},
        }


ExportedSignatures = dict[str, ExportedSignature]


def read_signatures(model: Path) -> ExportedSignatures:
    """Returns the signatures of a SavedModel by name.

    Raises:
        UnservableError: If there is no SavedModel that a model server could load.
    """
    file = model / "saved_model.pb"
    try:
        saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    except (FileNotFoundError, DecodeError) as error:
        raise UnservableError(f"{file}: {type(error).__name__}: {error}") from error
    for graph in saved.meta_graphs:
        if tf.saved_model.SERVING in graph.meta_info_def.tags:
            return {
                name: ExportedSignature(_specs(signature.inputs), _specs(signature.outputs))
                for name, signature in sorted(graph.signature_def.items())
                if not name.startswith("__")  # TensorFlow's internal signatures
            }
    raise UnservableError(f"{file}: has no graph with the tag {tf.saved_model.SERVING!r}")


def breaking_changes(served: ExportedSignatures, candidate: ExportedSignatures) -> list[str]:
    """Returns the changes that break clients of the served model.

    A new signature or output breaks no client. A new input does: requests without it fail.
    """
    changes: list[str] = []
    for name in sorted(served.keys() - INTERNAL):
        if name not in candidate:
            changes.append(f"{name} is gone")
            continue
        before, after = served[name], candidate[name]
        changes += _changes(f"{name}: input", before.inputs, after.inputs)
        changes += _changes(f"{name}: output", before.outputs, after.outputs)
        added = sorted(after.inputs.keys() - before.inputs.keys())
        changes += [f"{name}: input {column} is new" for column in added]
    return changes


def _changes(
    kind: str, before: dict[str, ExportedTensor], after: dict[str, ExportedTensor]
) -> Iterator[str]:
    for name, spec in sorted(before.items()):
        if name not in after:
            yield f"{kind} {name} is gone"
        elif spec != after[name]:
            yield f"{kind} {name} was {spec}, is {after[name]}"


def _specs(tensors: dict[str, meta_graph_pb2.TensorInfo]) -> dict[str, ExportedTensor]:
    return {name: _spec(info) for name, info in tensors.items()}


def _spec(info: meta_graph_pb2.TensorInfo) -> ExportedTensor:
    shape = tf.TensorShape(info.tensor_shape)
    sizes = None if shape.rank is None else tuple(shape.as_list())
    return ExportedTensor(tf.dtypes.as_dtype(info.dtype), sizes)
