"""Parses predictions of the REST API."""

import base64
import json
from typing import Any
from urllib.parse import unquote

import orjson

from evergreen.serving.gateway.prediction_log.entries import Entry, check_rows
from evergreen.serving.gateway.prediction_log.of_grpc import Read, Rows, of_examples

MODEL, VERSION = 3, 5
"""Indices in /v1/models/NAME/versions/3:predict, split at its slashes."""


def read(entry: Entry) -> Read:
    """Returns model, version, signature, features and outputs."""
    asked, answered = _load(entry.request), _load(entry.response)
    path, _, verb = entry.path.rpartition(":")
    parts = path.split("/")
    named = len(parts) > VERSION and parts[VERSION - 1].lower() == "versions"
    version = int(parts[VERSION]) if named else None
    signature = asked.get("signature_name", "")
    if not isinstance(signature, str):
        raise ValueError("a signature_name that is no text")
    if verb.lower() == "predict":
        features, outputs = _inputs(asked), _outputs(answered)
    else:
        context = asked.get("context", {})
        check_rows(len(asked["examples"]))
        features = [_plain(context | example) for example in asked["examples"]]
        outputs = [_result(result) for result in answered["results"]]
    return unquote(parts[MODEL]), version, signature, features, outputs


def _inputs(asked: dict[str, Any]) -> Rows:
    if "instances" in asked:
        check_rows(len(asked["instances"]))
        return _decoded([_named(row, "input") for row in asked["instances"]])
    return _columns(_named(asked["inputs"], "input"))


def _outputs(answered: dict[str, Any]) -> Rows:
    if "predictions" in answered:
        check_rows(len(answered["predictions"]))
        return [_plain(_named(row, "output")) for row in answered["predictions"]]
    return _columns(_named(answered["outputs"], "output"))


def _columns(columns: dict[str, Any]) -> Rows:
    """Returns one dict per row if all columns are lists of one length; one for all otherwise."""
    sizes = {len(column) if isinstance(column, list) else -1 for column in columns.values()}
    if len(sizes) != 1 or sizes == {-1}:
        return [_plain(columns)]
    check_rows(*sizes)
    rows = zip(*columns.values(), strict=True)
    return _decoded([dict(zip(columns, row, strict=True)) for row in rows])


def _decoded(rows: Rows) -> Rows:
    """Returns features for rows that are one serialized `tf.Example` each; other rows unchanged."""
    if all(len(row) == 1 for row in rows):
        values = [value for row in rows for value in row.values()]
        if all(_is_bytes(value) for value in values):
            examples = of_examples(_bytes(value) for value in values)
            if examples is not None:
                return examples
    return [_plain(row) for row in rows]


def _named(value: Any, name: str) -> dict[str, Any]:
    """Returns values by name; names those that have no name in the request."""
    return value if isinstance(value, dict) and not _is_bytes(value) else {name: value}


def _result(result: Any) -> dict[str, Any]:
    """Returns a regression's value, or a classification's scores by label."""
    if isinstance(result, list):
        return {label or str(place): score for place, (label, score) in enumerate(result)}
    return {"value": result}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _bytes(v) if _is_bytes(v) else v for name, v in row.items()}


def _is_bytes(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"}


def _bytes(value: dict[str, str]) -> bytes:
    return base64.b64decode(value["b64"], validate=True)


def _load(text: bytes) -> dict[str, Any]:
    """Parses JSON in which numbers may be NaN and Infinity."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("a body that is no object")
    return found
