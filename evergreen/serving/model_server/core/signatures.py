"""One signature of a loaded model: its inputs, its outputs, and the call."""

import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from threading import Lock
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto
from tensorflow.core.protobuf.config_pb2 import CallableOptions
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.tensors import Array, enum_of, to_array, type_name

MAX_BROADCAST = 2**24
"""The most elements that inputs may broadcast to, if their shapes are not the signature's.
TensorFlow Serving has no such limit."""
CODES = {code.value[0]: code for code in grpc.StatusCode}


class Signature:
    """A callable signature.

    Tensors are fed to the graph by name, as by TensorFlow Serving: the graph decides which shapes
    it accepts, whatever the signature declares, and inputs may have any name.

    Attributes:
        name: Its name.
        inputs: The types of the inputs, by name.
        outputs: The names of the outputs, in order.
    """

    def __init__(self, name: str, definition: SignatureDef, session: tf.compat.v1.Session) -> None:
        # Sorted by tensor name, the order in which TensorFlow's errors count the inputs.
        taken = sorted(definition.inputs.items(), key=lambda item: item[1].name)
        self.name = name
        self.inputs = {alias: int(info.dtype) for alias, info in taken}
        self.outputs = tuple(sorted(definition.outputs))
        self._defaults = {
            alias: to_array(proto, alias) for alias, proto in definition.defaults.items()
        }
        self._shapes = {alias: _shape(info.tensor_shape) for alias, info in taken}
        self._fed = {info.name: alias for alias, info in taken}
        self._tensors = {alias: definition.outputs[alias].name for alias in self.outputs}
        # TensorFlow refuses tensors that are both fed and fetched; such an output is the input.
        self._fetched = sorted(set(self._tensors.values()) - self._fed.keys())
        self._session = session
        self._making = Lock()
        self._callable: Any = None

    def check(self, types: Mapping[str, int]) -> None:
        """Checks names and types, before values are read.

        Args:
            types: The types of a request's inputs, as numbers of `DataType`, by name.

        Raises:
            ServingError: If they do not fit the signature (INVALID_ARGUMENT).
        """
        if types.keys() != self.inputs.keys() and not (
            self._defaults and self.inputs.keys() == {**self._defaults, **types}.keys()
        ):
            raise self._wrong_names(types)
        for position, (name, expected) in enumerate(self.inputs.items()):
            if types.get(name, expected) != expected:
                raise invalid(
                    f"Expects arg[{position}] to be {type_name(expected)} but "
                    f"{type_name(types[name])} is provided"
                )

    def complete(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """Returns the inputs with the signature's defaults.

        Raises:
            ServingError: If they do not fit the signature (INVALID_ARGUMENT).
        """
        self.check({name: enum_of(array.dtype) for name, array in inputs.items()})
        if not all(_fits(array.shape, self._shapes[name]) for name, array in inputs.items()):
            _check_broadcast([array.shape for array in inputs.values()])
        return {**self._defaults, **inputs} if self._defaults else inputs

    def select(self, outputs: Sequence[str]) -> Sequence[str]:
        """Returns the requested outputs, or all.

        Raises:
            ServingError: If one does not exist, or is requested twice (INVALID_ARGUMENT).
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
            inputs: Complete and checked inputs.

        Raises:
            ServingError: If TensorFlow fails, with its code.
        """
        fed = {tensor: inputs[alias] for tensor, alias in self._fed.items()}
        try:
            fetched = self._run(*fed.values()) if self._fetched else ()
        except tf.errors.OpError as error:
            raise ServingError(CODES[error.error_code], error.message) from error
        except (TypeError, ValueError) as error:
            raise invalid(str(error)) from error
        values = fed | dict(zip(self._fetched, map(_numpy, fetched), strict=True))
        return {alias: values[tensor] for alias, tensor in self._tensors.items()}

    def _run(self, *fed: Array) -> Any:
        if self._callable is None:
            with self._making:
                if self._callable is None:
                    # `Session.make_callable` would check shapes and take three times as long.
                    options = CallableOptions(feed=list(self._fed), fetch=self._fetched)
                    self._callable = self._session._make_callable_from_options(options)
        return self._callable(*fed)

    def _wrong_names(self, names: Mapping[str, object]) -> ServingError:
        sent, expected = set(names), set(self.inputs)
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


def _shape(proto: TensorShapeProto) -> tuple[int, ...] | None:
    """Returns the sizes, negative for a variable one; None for an unknown rank."""
    return None if proto.unknown_rank else tuple(dim.size for dim in proto.dim)


def _fits(shape: tuple[int, ...], declared: tuple[int, ...] | None) -> bool:
    return declared is None or (
        len(shape) == len(declared)
        and all(size == wanted or wanted < 0 for size, wanted in zip(shape, declared, strict=True))
    )


def _check_broadcast(shapes: Sequence[tuple[int, ...]]) -> None:
    """Refuses shapes other than the signature's that the graph may broadcast to a large one.

    Two small inputs, [n, 1] and [1, n], make a large tensor when they are added.

    Raises:
        ServingError: If that exceeds `MAX_BROADCAST` and every input (INVALID_ARGUMENT).
    """
    sizes = [max(column) for column in zip_longest(*map(reversed, shapes), fillvalue=1)]
    if math.prod(sizes) > max(MAX_BROADCAST, *map(math.prod, shapes)):
        raise invalid(
            f"Inputs of other shapes than the signature's may become {math.prod(sizes)} elements; "
            f"at most {MAX_BROADCAST} are allowed"
        )


def _numpy(values: Any) -> Array:
    return np.asarray(values, object) if isinstance(values, bytes) else np.asarray(values)


def _set(names: set[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"
