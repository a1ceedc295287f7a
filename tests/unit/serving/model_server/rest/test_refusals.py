"""Every request gets a right answer or a client error, and the server survives."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import fuzz
from tests.unit.serving.model_server.rest.conftest import Rest

GOOD = b'{"signature_name": "serving_default", "instances": [1.0, 2.5, 3e2, NaN]}'
CASES = fuzz(700)
NAMES = st.sampled_from(
    ["instances", "inputs", "signature_name", "examples", "context", "b64", "x", "tag", "signal"]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([1.0, "serving_default", "classify", "echo", {"b64": "aGk="}, {"b64": "?"}]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)
PATHS = st.builds(
    "/v1/models/{}:{}".format,
    st.sampled_from(["half_plus_three", "many"]),
    st.sampled_from(["predict", "classify", "regress"]),
)


def check(rest: Rest, path: str, body: bytes, **request: Any) -> None:
    """Sends a request; the answer is JSON, and an error only if it is the client's."""
    status, answer = rest.ask("POST", path, data=body, **request)
    keys = set(json.loads(answer))
    if status == 200:
        assert keys <= {"predictions", "outputs", "results"}
    else:
        assert (status, keys) == (400, {"error"})


@pytest.fixture(autouse=True)
def _alive(rest: Rest) -> Any:
    yield
    status, answer = rest.ask(
        "POST", "/v1/models/half_plus_three:predict", data='{"instances": [1.0]}'
    )
    assert (status, answer) == (200, b'{"predictions":[3.5]}')


@given(PATHS, st.binary(max_size=60))
@CASES
def test_any_bytes(rest: Rest, path: str, body: bytes) -> None:
    check(rest, path, body)


@given(
    PATHS,
    st.integers(0, len(GOOD) - 1),
    st.integers(0, 8),
    st.binary(max_size=6) | st.sampled_from([b"[", b"]", b"{", b'"', b"-", b"1e999", b"\\ud800"]),
)
@CASES
def test_a_request_with_a_part_replaced(
    rest: Rest, path: str, start: int, length: int, part: bytes
) -> None:
    check(rest, path, GOOD[:start] + part + GOOD[start + length :])


@given(PATHS, st.dictionaries(NAMES, JSON, max_size=3))
@CASES
def test_any_object(rest: Rest, path: str, document: dict[str, Any]) -> None:
    check(rest, path, json.dumps(document).encode())


@given(st.sampled_from(["instances", "inputs"]), st.lists(JSON, max_size=4), st.booleans())
@CASES
def test_any_values(rest: Rest, key: str, values: list[Any], named: bool) -> None:
    items = [{"x": value} for value in values] if named else values

    check(rest, "/v1/models/half_plus_three:predict", json.dumps({key: items}).encode())


@given(
    st.lists(st.fixed_dictionaries({}, optional={"tag": JSON, "signal": JSON, "sensor": JSON})),
    st.sampled_from(["instances", "inputs"]),
)
@CASES
def test_any_named_values(rest: Rest, rows: list[dict[str, Any]], key: str) -> None:
    value = rows if key == "instances" else (rows or [{}])[0]

    check(rest, "/v1/models/many:predict", json.dumps({key: value}).encode())


@given(st.lists(st.dictionaries(st.text(max_size=3) | st.just("x"), JSON, max_size=3), max_size=3))
@CASES
def test_any_examples(rest: Rest, examples: list[dict[str, Any]]) -> None:
    body = {"signature_name": "classify", "examples": examples}

    check(rest, "/v1/models/half_plus_three:classify", json.dumps(body).encode())


@pytest.mark.parametrize("opening", [b"[", b'{"x":', b'[{"instances":['])
@pytest.mark.parametrize("depth", [65, 500, 999, 1023, 1024, 5000, 1_000_000])
@pytest.mark.parametrize("closed", [True, False])
def test_deep_nesting(rest: Rest, opening: bytes, depth: int, closed: bool) -> None:
    closing = bytes(reversed(opening.translate(bytes.maketrans(b"[{", b"]}"), b'"x:instances')))
    nested = opening * depth + b"1" + (closing * depth if closed else b"")

    for key in (b"instances", b"inputs", b"signature_name", b"examples", b"context"):
        body = b'{"%s": %s}' % (key, nested)
        for verb in ("predict", "classify"):
            check(rest, f"/v1/models/half_plus_three:{verb}", body)


def test_numbers_of_any_length(rest: Rest) -> None:
    for number in ("9" * 5000, "-" + "9" * 400, "1" + "0" * 300, f"0.{'1' * 5000}", "1e-99999"):
        check(rest, "/v1/models/half_plus_three:predict", b'{"instances": [%s]}' % number.encode())


def test_a_wrong_value_at_the_end_of_many(rest: Rest) -> None:
    values = [math.pi] * 300_000

    status, answer = rest.ask(
        "POST", "/v1/models/half_plus_three:predict", data=json.dumps({"instances": [*values, "x"]})
    )

    assert status == 400
    assert json.loads(answer)["error"].startswith("Failed to process element: 300000 of")


@given(st.binary(max_size=40), st.sampled_from(["gzip", "identity", "x"]))
@fuzz(300)
def test_any_content_encoding(rest: Rest, body: bytes, encoding: str) -> None:
    check(
        rest,
        "/v1/models/half_plus_three:predict",
        body,
        headers={"Content-Encoding": encoding},
        skip_auto_headers=["Content-Encoding"],
    )


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /v1/models/\xff\xfe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET /v1/models/%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"40"),
        (b"no HTTP at all\r\n\r\n", b"400"),
    ],
)
def test_what_is_hardly_http(rest: Rest, sent: bytes, status: bytes) -> None:
    assert rest.send(sent).split(b" ")[1].startswith(status)


def test_a_client_that_goes_away_in_the_middle(
    rest: Rest, caplog: pytest.LogCaptureFixture
) -> None:
    begun = b"POST /v1/models/many:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{"

    rest.send(begun, leaves=True)
    rest.ask("GET", "/v1/models/many")

    assert not caplog.records
