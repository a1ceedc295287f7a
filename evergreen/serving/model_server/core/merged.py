"""Merges requests into a batch, and splits its outputs."""

import math
from collections.abc import Mapping, Sequence

import grpc
import numpy as np

from evergreen.serving.model_server.core.budget import MAX_PADDING
from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.tensors import Array


def rows(inputs: Mapping[str, Array]) -> int:
    """Returns the size of the first dimension of all inputs.

    Raises:
        ServingError: If they differ, or an input has no dimension (INVALID_ARGUMENT).
    """
    sizes = {array.shape[:1] for array in inputs.values()}
    if () in sizes:
        raise invalid("Batching Run() input tensors must have at least one dimension")
    if len(sizes) != 1:
        raise invalid("Batching Run() input tensors must have equal 0th-dimension size")
    return int(sizes.pop()[0])


def slices(inputs: Mapping[str, Array], size: int) -> list[dict[str, Array]]:
    """Splits inputs into parts of at most that many rows."""
    return [
        {name: array[start : start + size] for name, array in inputs.items()}
        for start in range(0, rows(inputs), size)
    ]


def merge(parts: Sequence[Mapping[str, Array]], pad_lengths: bool) -> dict[str, Array]:
    """Concatenates inputs.

    Args:
        parts: At least one set of inputs, with the same names.
        pad_lengths: Whether to pad other dimensions to the longest with zeros or empty strings;
            otherwise they must be equal.
    """
    if len(parts) == 1:
        return dict(parts[0])
    columns = {name: [part[name] for part in parts] for name in parts[0]}
    if pad_lengths:
        columns = {name: _same_length(arrays) for name, arrays in columns.items()}
    return {name: np.concatenate(arrays) for name, arrays in columns.items()}


def affordable(inputs: Mapping[str, Array], rows: int, total: int) -> int:
    """Returns the number of rows to pad inputs to: `total`, or their own if they are large."""
    size = sum(array.nbytes for array in inputs.values())
    return total if size // rows * (total - rows) <= MAX_PADDING else rows


def fill(inputs: Mapping[str, Array], size: int) -> dict[str, Array]:
    """Repeats the first row, which is valid for the model, up to that many rows."""
    missing = size - rows(inputs)
    return {
        name: np.concatenate([array, np.repeat(array[:1], missing, axis=0)])
        for name, array in inputs.items()
    }


def split(outputs: Mapping[str, Array], sizes: Sequence[int], total: int) -> list[dict[str, Array]]:
    """Splits a batch's outputs into those of its requests.

    Args:
        outputs: The batch's outputs.
        sizes: The number of rows of each request.
        total: The number of rows of the batch, including padding.

    Raises:
        ServingError: If an output does not have one row per row of the batch (FAILED_PRECONDITION):
            such a model cannot be batched.
    """
    for array in outputs.values():
        if array.ndim == 0:
            raise _unbatchable("Batched output tensor has 0 dimensions")
        if array.shape[0] != total:
            raise _unbatchable(
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension "
                "sizes of the input tensors"
            )
    ends = np.cumsum(sizes).tolist()
    return [
        {name: array[end - size : end] for name, array in outputs.items()}
        for size, end in zip(sizes, ends, strict=True)
    ]


def join(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Joins the outputs of the slices of a request."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _same_length(arrays: Sequence[Array]) -> list[Array]:
    """Pads arrays to the longest of them.

    Raises:
        ServingError: If that takes too much memory; a single request in a batch needs no padding.
    """
    longest = np.max([array.shape[1:] for array in arrays], axis=0)
    size = sum(map(len, arrays)) * math.prod(longest.tolist()) * arrays[0].itemsize
    if size - sum(array.nbytes for array in arrays) > MAX_PADDING:
        raise invalid(f"{size} bytes for a batch of inputs that differ in length are too many")
    return [_pad(array, longest) for array in arrays]


def _pad(array: Array, lengths: Array) -> Array:
    widths = [(0, 0), *((0, int(more)) for more in lengths - array.shape[1:])]
    filling = b"" if array.dtype.hasobject else 0
    return np.pad(array, widths, constant_values=filling)


def _unbatchable(message: str) -> ServingError:
    return ServingError(grpc.StatusCode.FAILED_PRECONDITION, message)
