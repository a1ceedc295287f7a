"""Signatures of a served model, from its own metadata."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evergreen.serving.client.tensors import DTYPES
from evergreen.serving.protos import (
    SignatureDef,
    SignatureDefMap,
    TensorInfo,
    types_pb2,
)

RAW = "raw"
"""The signature of Evergreen's models that takes one tensor per column."""


@dataclass(frozen=True)
class Spec:
    """A tensor of a signature.

    Attributes:
        dtype: The NumPy dtype; object for strings, which are bytes.
        shape: The sizes, None for a variable one; None if the rank is unknown.
    """

    dtype: np.dtype[Any]
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs of a signature, by name.

    Attributes:
        unreadable: Why this client cannot use it, in which case it has no inputs and outputs.
    """

    inputs: dict[str, Spec]
    outputs: dict[str, Spec]
    unreadable: str = ""

    def takes_examples(self) -> bool:
        """Whether its one input is a list of strings, by convention serialized `tf.Example`s."""
        specs = list(self.inputs.values())
        return [spec.dtype.kind for spec in specs] == ["O"] and specs[0].shape in ((None,), None)


Signatures = dict[str, Signature]


def from_map(served: SignatureDefMap) -> Signatures:
    """Returns the signatures of a model by name."""
    return {
        name: _signature(definition)
        for name, definition in sorted(served.signature_def.items())
        if not name.startswith("__")  # TensorFlow's internal signatures
    }


def columns(signatures: Signatures, name: str) -> dict[str, Spec]:
    """Returns the raw columns that a signature takes, as far as the metadata names them.

    The metadata do not describe the content of `tf.Example`s. But if the model also has a signature
    with one tensor per column, such as `raw` of Evergreen's models, that has the columns.

    Returns:
        Specs by column; empty if unknown.
    """
    asked = signatures[name]
    if not asked.takes_examples():
        return asked.inputs
    by_column = (
        other.inputs
        for other in signatures.values()
        if not other.takes_examples() and other.outputs == asked.outputs
    )
    return next(by_column, {})


def types(signatures: Signatures) -> dict[str, np.dtype[Any]]:
    """Returns the dtypes in `tf.Example`s of all columns named in the signatures.

    In the signature `raw`, float64 stands for whole numbers of which some may be missing.
    """
    found = {}
    for signature_name, signature in signatures.items():
        if signature.takes_examples():
            continue
        for name, spec in signature.inputs.items():
            is_whole = signature_name == RAW and spec.dtype == np.float64
            found[name] = np.dtype(np.int64) if is_whole else spec.dtype
    return found


def _signature(definition: SignatureDef) -> Signature:
    for tensors in (definition.inputs, definition.outputs):
        for name, info in sorted(tensors.items()):
            if info.dtype not in DTYPES:
                dtype = types_pb2.DataType.Name(info.dtype).removeprefix("DT_").lower()
                return Signature({}, {}, f"{name} is of the type {dtype}")
    return Signature(
        {key: _spec(info) for key, info in sorted(definition.inputs.items())},
        {key: _spec(info) for key, info in sorted(definition.outputs.items())},
    )


def _spec(info: TensorInfo) -> Spec:
    shape = info.tensor_shape
    sizes = tuple(None if dim.size < 0 else dim.size for dim in shape.dim)
    return Spec(DTYPES[info.dtype], None if shape.unknown_rank else sizes)
