"""Bytes in JSON: `{"b64": "..."}`."""

import base64
import binascii
from typing import Any

from evergreen.serving.model_server.core.errors import invalid

B64 = "b64"


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
