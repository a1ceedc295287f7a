"""Parses the JSON of request bodies: fast if it is standard, as tolerant as TensorFlow Serving."""

import base64
import binascii
import json
import math
import re
from typing import Any

import orjson

from evergreen.serving.model_server.core.errors import ServingError, invalid

B64 = "b64"
MESSAGES = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Expecting ',' delimiter": "Missing a comma, or ] after an array, or } after an object.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
    "Extra data": "The document root must not be followed by other values.",
}
"""Python's messages, and RapidJSON's that clients know."""
INTS = range(-(2**63), 2**64)
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
MAX_SHOWN = 1000
"""The most characters of a value in an error message; TensorFlow Serving shows all."""


def is_object(value: Any) -> bool:
    """Returns whether a value is an object that does not stand for bytes."""
    return type(value) is dict and not (len(value) == 1 and type(value.get(B64)) is str)


def from_base64(text: str) -> bytes:
    """Decodes base64, which may contain white space and lack its padding.

    Raises:
        ServingError: If it is not base64 (INVALID_ARGUMENT).
    """
    data = "".join(text.split())
    digits = data.rstrip("=")
    padding = "=" * (-len(digits) % 4)
    try:
        if data not in (digits, digits + padding):
            raise ValueError("wrong padding")
        return base64.b64decode(digits + padding, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def to_base64(value: bytes) -> dict[str, str]:
    """Returns the object that stands for bytes."""
    return {B64: base64.b64encode(value).decode()}


def parse(body: bytes) -> dict[str, Any]:
    """Returns the object in a request body; of a repeated key, the last value.

    `NaN`, `Infinity` and `-Infinity` are numbers, as in TensorFlow Serving. Integers beyond 64 bits
    become floats.

    Raises:
        ServingError: If it is not JSON, or not an object (INVALID_ARGUMENT).
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _parse_tolerantly(body)
    if type(document) is not dict:
        raise invalid(f"JSON Value: {show(document)} Is not object")
    return document


def show(value: Any) -> str:
    """Returns a value as JSON for an error message, shortened if it is long."""
    text = ""
    for part in json.JSONEncoder(ensure_ascii=False, indent=4).iterencode(value):
        text += part[:MAX_SHOWN]
        if len(text) > MAX_SHOWN:
            return f"{text[:MAX_SHOWN]}..."
    return text


def kind(value: Any) -> str:
    """Returns the name of a value's type in error messages."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    names: dict[type, str] = {dict: "Object", list: "Array", str: "String"}
    return names.get(type(value), "Number")


def _parse_tolerantly(body: bytes) -> Any:
    text = ""
    try:
        text = body.decode("utf-8-sig")
        document = json.loads(text, parse_int=_integer, parse_float=_decimal)
        if SURROGATE.search(text):
            orjson.dumps(document)  # refuses half of a surrogate pair
    except json.JSONDecodeError as error:
        offset = len(text[: error.pos].encode("utf-8", "replace"))
        raise _problem(f"{MESSAGES.get(error.msg, error.msg)} at offset: {offset}") from error
    except UnicodeDecodeError as error:
        raise _problem(f"Invalid encoding in string. at offset: {error.start}") from error
    except TypeError as error:
        raise _problem("The surrogate pair in string is invalid.") from error
    except RecursionError as error:
        raise _problem("The document is nested too deep.") from error
    return document


def _integer(text: str) -> int | float:
    if len(text) > len(str(INTS[0])):
        return _decimal(text)
    return value if (value := int(text)) in INTS else float(value)


def _decimal(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _problem("Number too big to be stored in double.")
    return value


def _problem(text: str) -> ServingError:
    return invalid(f"JSON Parse error: {text}")
