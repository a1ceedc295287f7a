"""Converts JSON values to NumPy arrays."""

from itertools import chain
from typing import Any

import numpy as np
from tensorflow.core.framework import types_pb2 as types
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.tensors import FIELDS, MAX_RANK, Array
from evergreen.serving.model_server.rest import refusals
from evergreen.serving.model_server.rest.binary import B64, from_base64, is_object


class UnfitError(ValueError):
    """Raised when a value does not fit an input; `refusals` finds the reason."""


def to_array(value: Any, info: TensorInfo) -> Array:
    """Converts a value, or nested lists of values, to an array of an input's type.

    Raises:
        UnfitError: If lists differ in length or depth, or a value does not fit the type.
        ServingError: If lists are nested deeper than arrays can be (INVALID_ARGUMENT).
    """
    if info.dtype not in FIELDS:
        raise UnfitError
    dtype = FIELDS[info.dtype][1]
    shape, leaves = _flatten(value)
    found = set(map(type, leaves))
    if info.dtype == types.DT_STRING:
        return _strings(leaves, found).reshape(shape)
    if found - refusals.JSON_TYPES[dtype.kind]:
        raise UnfitError
    try:
        with np.errstate(over="ignore"):
            result = np.array(leaves, dtype)
    except OverflowError as error:
        raise UnfitError from error
    if dtype.kind == "f" and leaves:
        _check_floats(result, leaves, found)
    return result.reshape(shape)


def _flatten(value: Any) -> tuple[list[int], list[Any]]:
    """Returns the shape and the values of nested lists, level by level, in C."""
    shape: list[int] = []
    level = [value]
    while level and type(level[0]) is list:
        size = len(level[0])
        if set(map(type, level)) != {list} or set(map(len, level)) != {size}:
            raise UnfitError
        shape.append(size)
        if len(shape) > MAX_RANK:
            raise invalid(f"JSON Value: lists are nested deeper than {MAX_RANK} levels")
        level = list(chain.from_iterable(level))
    return shape, level


def _check_floats(result: Array, leaves: list[Any], found: set[type]) -> None:
    """Raises UnfitError if an integer is too large to be exact, or a float exceeds the type."""
    suspect = (
        np.abs(result) > refusals.largest_int(result.dtype) if int in found else np.isinf(result)
    )
    if not suspect.any():
        return
    suspects = (leaves[position] for position in np.flatnonzero(suspect))
    if not all(refusals.is_lossless(leaf, result.dtype) for leaf in suspects):
        raise UnfitError


def _strings(leaves: list[Any], found: set[type]) -> Array:
    if found - {str, dict} or any(map(is_object, leaves)):
        raise UnfitError
    result = np.empty(len(leaves), object)
    try:
        result[:] = [
            leaf.encode() if type(leaf) is str else from_base64(leaf[B64]) for leaf in leaves
        ]
    except ServingError as error:
        raise UnfitError from error
    return result
