"""Sets the version in requests, leaving everything else unchanged.

Parsing and writing a request would cost more than all other work. In the binary format of protocol
buffers, a message appended to another is merged into it, and of a repeated scalar field the last
value counts: so a `model_spec` with only a version is appended.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from google.protobuf.message import DecodeError

from evergreen.serving.protos import GetModelStatusRequest

LENGTH_DELIMITED = 2
TASKS = 1
"""The field number in a MultiInferenceRequest."""
MAX_FIELDS = 1000
VERBS = re.compile(
    r"(?P<model>/v1/models/(?P<name>[^/:]+))(?P<verb>:(?:classify|regress|predict)|/metadata)",
    re.IGNORECASE,
)
"""REST paths without a version, as parsed by TensorFlow Serving's http_rest_api_util.cc."""
MODEL = re.compile(r"/v1/models/([^/:]+)", re.IGNORECASE)


class Target(NamedTuple):
    """What a request is for.

    Attributes:
        model: The name of a model; empty if the request cannot be parsed, or names several.
        is_open: Whether the request leaves the version to the gateway.
    """

    model: str
    is_open: bool


UNKNOWN = Target("", is_open=False)


class Field(NamedTuple):
    """The position of a field in a message: tag, content and end."""

    number: int
    start: int
    body: int
    end: int


def target(data: bytes) -> Target:
    """Returns what a gRPC request is for.

    It is unknown for bytes that cannot be parsed: the backend answers with the error.

    Args:
        data: Any request whose field 1 is its `model_spec`.
    """
    try:
        # A status request has only this field; everything else is skipped, in C.
        spec = GetModelStatusRequest.FromString(data).model_spec
    except DecodeError:
        return UNKNOWN
    return Target(spec.name, spec.WhichOneof("version_choice") is None)


def with_version(data: bytes, version: int) -> bytes:
    """Returns a request whose field 1 is its `model_spec`, with another version."""
    return data + _suffix(version)


def common_target(data: bytes) -> Target:
    """Does the same as `target`, for all tasks of a MultiInferenceRequest."""
    tasks = [data[field.body : field.end] for field in fields(data) if field.number == TASKS]
    targets = set(map(target, tasks))
    models = {found.model for found in targets}
    if len(models) != 1:
        return UNKNOWN
    return Target(models.pop(), all(found.is_open for found in targets))


def with_versions(data: bytes, version: int) -> bytes:
    """Does the same as `with_version`, for all tasks of a MultiInferenceRequest."""
    parts = []
    for field in fields(data):
        if field.number == TASKS:
            task = with_version(data[field.body : field.end], version)
            parts += [bytes([TASKS << 3 | LENGTH_DELIMITED]), _varint(len(task)), task]
        else:
            parts.append(data[field.start : field.end])
    return b"".join(parts)


def path_model(path: str) -> str:
    """Returns the name of the model in a REST path as sent; empty if it names none."""
    match = MODEL.match(path)
    return unquote(match[1]) if match else ""


def open_path(path: str) -> Sequence[str] | None:
    """Returns the parts of a REST path before and after the version; None if it names one.

    Args:
        path: The path as sent, without the query.
    """
    match = VERBS.fullmatch(path)
    return (match["model"], match["verb"]) if match else None


def fields(data: bytes) -> list[Field]:
    """Finds the length-delimited fields of a message; returns none if there are other fields.

    Nothing is parsed: millions of empty tasks or examples take a few megabytes unparsed, and
    gigabytes parsed.
    """
    found, place = [], 0
    while place < len(data):
        number, kind = data[place] >> 3, data[place] & 7
        size, body = _read_varint(data, place + 1)
        field = Field(number, place, body, body + size)
        if kind != LENGTH_DELIMITED or number >= 16 or field.end > len(data):  # noqa: PLR2004
            return []  # a larger number takes two bytes
        found.append(field)
        place = field.end
        if len(found) > MAX_FIELDS:
            return []
    return found


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Returns a number, and the position after it."""
    value = 0
    for at, byte in enumerate(data[place : place + 10]):
        value |= (byte & 0x7F) << 7 * at
        if not byte & 0x80:
            return value, place + at + 1
    return len(data), len(data)  # truncated, or too long: it ends after the message


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits per byte
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


@lru_cache
def _suffix(version: int) -> bytes:
    request = GetModelStatusRequest()
    request.model_spec.version.value = version
    return bytes(request.SerializeToString())
