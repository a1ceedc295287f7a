"""Converts the JSON of Predict requests to NumPy by the signature, whole columns at once.

If that fails, `refusals` checks value by value where it does not fit.
"""

from collections.abc import Mapping
from typing import Any

from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from evergreen.serving.model_server.core.errors import invalid
from evergreen.serving.model_server.core.tensors import Array
from evergreen.serving.model_server.rest import refusals
from evergreen.serving.model_server.rest.arrays import UnfitError, to_array
from evergreen.serving.model_server.rest.binary import is_object
from evergreen.serving.model_server.rest.parsing import show

ROWS, COLUMNS, SIGNATURE = "instances", "inputs", "signature_name"
Infos = Mapping[str, TensorInfo]


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
