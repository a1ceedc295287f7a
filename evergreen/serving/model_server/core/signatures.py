"""One signature of a loaded model: what it takes, what it gives, and how it is called."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.tensors import Array, to_array, type_name

CODES = {code.value[0]: code for code in grpc.StatusCode}
NOISE = re.compile(
    r"^Graph execution error:.*?<stack traces unavailable>\n|\s*\[Op:\S+\]", re.DOTALL
)
"""What TensorFlow 2.21 puts around the message of an operation that fails in a function."""


@dataclass(frozen=True)
class Input:
    """What an input has to be.

    Attributes:
        position: Among the inputs, by the name of the tensor: TensorFlow's errors count so.
        shape: None for a size that may be any; None as a whole for any rank.
    """

    position: int
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...] | None

    def check(self, name: str, array: Array) -> None:
        """Raises ServingError (INVALID_ARGUMENT) if an array is of another type or shape."""
        if array.dtype != self.dtype:
            raise invalid(
                f"Expects arg[{self.position}] to be {type_name(self.dtype)} but "
                f"{type_name(array.dtype)} is provided"
            )
        if self.shape is None or array.shape == self.shape:
            return
        if len(array.shape) != len(self.shape) or any(
            expected is not None and size != expected
            for size, expected in zip(array.shape, self.shape, strict=True)
        ):
            expected = [-1 if size is None else size for size in self.shape]
            raise invalid(
                f"Expects input {name} to have shape {expected} (-1 is any size) but "
                f"{list(array.shape)} is provided"
            )


class Signature:
    """A signature that can be called.

    Attributes:
        name: Its name.
        inputs: By their names.
        outputs: Their names, in order.
    """

    def __init__(
        self,
        name: str,
        definition: SignatureDef,
        function: "tf.types.experimental.ConcreteFunction",
    ) -> None:
        self.name = name
        self.inputs = _inputs(definition)
        self.outputs = tuple(sorted(definition.outputs))
        self._defaults = {
            alias: to_array(proto, alias) for alias, proto in definition.defaults.items()
        }
        # Called flat, without TensorFlow's way from arguments by name to a list and back, which
        # takes longer than a small model: half of the time of a request of one row.
        self._call = function.inference_fn.call_flat
        self._order = list(function.function_type.parameters)
        self._captures = function.captured_inputs
        self._results = sorted(function.structured_outputs)

    def complete(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """Returns the inputs with the signature's defaults.

        Raises:
            ServingError: If they are not what the signature takes (INVALID_ARGUMENT).
        """
        if self._defaults:
            inputs = {**self._defaults, **inputs}
        if inputs.keys() != self.inputs.keys():
            raise self._wrong_names(inputs)
        for name, expected in self.inputs.items():
            expected.check(name, inputs[name])
        return inputs

    def select(self, outputs: Sequence[str]) -> Sequence[str]:
        """Returns the outputs to answer with: those asked for, or all.

        Raises:
            ServingError: If one is not there, or is asked for twice (INVALID_ARGUMENT).
        """
        for position, name in enumerate(outputs):
            if name not in self.outputs:
                raise invalid(
                    f"output tensor alias not found in signature: {name} Outputs expected to be "
                    f"in the set {{{','.join(self.outputs)}}}."
                )
            if name in outputs[:position]:
                raise invalid(f"duplicate output tensor alias: {name}")
        return outputs or self.outputs

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Runs it in the calling thread.

        Args:
            inputs: Complete and checked.

        Raises:
            ServingError: If TensorFlow fails; with its code.
        """
        try:
            tensors = [tf.constant(inputs[name]) for name in self._order]
            outputs = self._call(*tensors, *self._captures)
        except tf.errors.OpError as error:
            raise ServingError(CODES[error.error_code], NOISE.sub("", error.message)) from error
        except (TypeError, ValueError) as error:
            raise invalid(str(error)) from error
        named = zip(self._results, outputs, strict=True)
        return {name: _numpy(tensor) for name, tensor in named}

    def _wrong_names(self, inputs: Mapping[str, Array]) -> ServingError:
        sent, expected = set(inputs), set(self.inputs)
        if len(sent) == len(expected):
            return invalid(
                f"input tensor alias not found in signature: {min(sent - expected)}. Inputs "
                f"expected to be in the set {_set(expected)}."
            )
        return invalid(
            f"input size does not match signature: {len(sent)}!={len(expected)} "
            f"len({_set(sent)}) != len({_set(expected)}). Sent extra: {_set(sent - expected)}. "
            f"Missing but required: {_set(expected - sent)}."
        )


def _inputs(definition: SignatureDef) -> dict[str, Input]:
    tensors = sorted(definition.inputs.items(), key=lambda item: item[1].name)
    return {
        alias: Input(
            position,
            np.dtype(tf.as_dtype(info.dtype).as_numpy_dtype),
            _shape(info.tensor_shape),
        )
        for position, (alias, info) in enumerate(tensors)
    }


def _shape(proto: TensorShapeProto) -> tuple[int | None, ...] | None:
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in proto.dim)


def _numpy(tensor: Any) -> Array:
    values = tensor.numpy()
    return np.asarray(values, object) if isinstance(values, bytes) else np.asarray(values)


def _set(names: set[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"
