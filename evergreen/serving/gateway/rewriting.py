"""Gives a request the version that is to answer it, and otherwise leaves it as it is.

Parsing a request and writing it again would cost more than all else. In the binary format of
protocol buffers a message that is appended to another is merged into it, and of fields that are
there twice the last one counts: so a `model_spec` with nothing but a version is appended.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

from google.protobuf.message import DecodeError

from evergreen.serving.client.protos import ModelSpec
from evergreen.serving.gateway.protos import GetModelStatusRequest, MultiInferenceRequest

VERBS = re.compile(
    r"(?P<model>/v1/models/(?P<name>[^/:]+))(?P<verb>:(?:classify|regress|predict)|/metadata)",
    re.IGNORECASE,
)
"""REST requests that name no version, as TensorFlow Serving's http_rest_api_util.cc reads them."""


def is_open(data: bytes, model: str) -> bool:
    """Tells whether a gRPC request is on a model and leaves the version to us.

    Bytes that cannot be read are none of ours: the backend says what is wrong with them.

    Args:
        data: Any request whose field 1 is its `model_spec`.
        model: The model's name.
    """
    try:
        # A status request has that one field; all else is skipped, in C.
        return _leaves_open(GetModelStatusRequest.FromString(data).model_spec, model)
    except DecodeError:
        return False


def with_version(data: bytes, version: int) -> bytes:
    """Returns a request whose field 1 is its `model_spec`, with another version."""
    return data + _suffix(version)


def are_open(data: bytes, model: str) -> bool:
    """As `is_open`, for a MultiInferenceRequest: all its tasks."""
    try:
        tasks = MultiInferenceRequest.FromString(data).tasks
    except DecodeError:
        return False
    return bool(tasks) and all(_leaves_open(task.model_spec, model) for task in tasks)


def with_versions(data: bytes, version: int) -> bytes:
    """As `with_version`, for a MultiInferenceRequest: all its tasks."""
    request = MultiInferenceRequest.FromString(data)
    for task in request.tasks:
        task.model_spec.version.value = version
    return bytes(request.SerializeToString())


def open_path(path: str, model: str) -> Sequence[str] | None:
    """Returns what stands before and after the version in a REST path; None if it is not ours.

    Args:
        path: As it was sent, without the query.
        model: The model's name.
    """
    match = VERBS.fullmatch(path)
    return (match["model"], match["verb"]) if match and unquote(match["name"]) == model else None


def _leaves_open(spec: ModelSpec, model: str) -> bool:
    return spec.name == model and spec.WhichOneof("version_choice") is None


@lru_cache
def _suffix(version: int) -> bytes:
    request = GetModelStatusRequest()
    request.model_spec.version.value = version
    return bytes(request.SerializeToString())
