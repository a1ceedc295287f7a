"""Converts the JSON of Predict requests to NumPy by the signature, whole columns at once.

If that fails, `refusals` checks value by value where it does not fit.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
from tensorflow.core.framework import types_pb2 as types
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.tensors import FIELDS, MAX_RANK, Array
from evergreen.serving.model_server.rest import refusals
from evergreen.serving.model_server.rest.parsing import B64, from_base64, is_object, show

ROWS, COLUMNS, SIGNATURE = "instances", "inputs", "signature_name"
Infos = Mapping[str, TensorInfo]


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


def signature_name(document: Mapping[str, Any]) -> str:
    """Returns the signature that a request names; empty for none. Raises ServingError."""
    name = document.get(SIGNATURE, "")
    if type(name) is not str:
        raise invalid(
            f"JSON Value: {show(document)} not formatted correctly. 'signature_name' key must be a "
            "string value."
        )
    return name


def read(document: Mapping[str, Any], infos: Infos) -> tuple[dict[str, Array], bool]:
    """Returns the inputs of a Predict request, and whether they came as rows.

    Args:
        document: Has "instances", a list of values or of objects, or "inputs", a value or an object
            of values.
        infos: The inputs of the signature.

    Raises:
        ServingError: If they do not fit the signature (INVALID_ARGUMENT); UNIMPLEMENTED if JSON
            does not have an input's type.
    """
    is_rows = ROWS in document
    if is_rows and COLUMNS in document:
        raise invalid(
            f"JSON Value: {show(document)} Not formatted correctly expecting only one of "
            f"'{COLUMNS}' or '{ROWS}' keys to exist "
        )
    if is_rows:
        return _rows(document, infos), True
    if COLUMNS in document:
        return _columns(document[COLUMNS], infos), False
    raise invalid(f"Missing '{COLUMNS}' or '{ROWS}' key")


def _rows(document: Mapping[str, Any], infos: Infos) -> dict[str, Array]:
    rows = document[ROWS]
    if type(rows) is not list:
        raise invalid(f"JSON Value: {show(document)} Excepting '{ROWS}' to be an list/array")
    if not rows:
        raise invalid(f"JSON Value: {show(document)} No values in '{ROWS}' array")
    named = is_object(rows[0])
    if not named and len(infos) > 1:
        raise invalid(
            f"{ROWS} is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    try:
        if not named:
            return {name: to_array(rows, info) for name, info in infos.items()}
        names = set(infos)
        if not all(type(row) is dict and row.keys() == names for row in rows):
            raise UnfitError
        return {name: to_array([row[name] for row in rows], infos[name]) for name in names}
    except UnfitError:
        refusals.rows(rows, infos, named)


def _columns(value: Any, infos: Infos) -> dict[str, Array]:
    if is_object(value):
        missing = [name for name in sorted(infos) if name not in value]
        if missing:
            raise invalid(f"Missing named input: {missing[0]} in '{COLUMNS}' object.")
        values = {name: value[name] for name in infos}
    elif len(infos) > 1:
        raise invalid(
            f"{COLUMNS} is a plain value/list, but expecting an object as multiple input tensors "
            "required as per tensorinfo_map"
        )
    else:
        values = dict.fromkeys(infos, value)
    try:
        return {name: to_array(values[name], info) for name, info in infos.items()}
    except UnfitError:
        refusals.columns(values, infos)
