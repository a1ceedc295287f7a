"""The REST API over HTTP: what TensorFlow Serving's documentation shows, and its errors."""

import gzip
import json
from typing import Any

import pytest

from tests.unit.serving.model_server.rest.conftest import Rest

HALF = "/v1/models/half_plus_three"
MANY = "/v1/models/many"
THREE = {"instances": [1.0, 2.0, 5.0]}
EXAMPLES = {"examples": [{"x": 1.0}, {"x": 2.0}]}


def post(rest: Rest, path: str, body: Any) -> Any:
    status, answer = rest.ask("POST", path, data=json.dumps(body))
    assert status == 200, answer
    return json.loads(answer)


def refusal(rest: Rest, method: str, path: str, body: Any = None) -> tuple[int, str]:
    data = body if body is None or isinstance(body, bytes) else json.dumps(body)
    status, answer = rest.ask(method, path, data=data)
    error = json.loads(answer)
    assert list(error) == ["error"]
    return status, error["error"]


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_the_status_is_as_documented(rest: Rest) -> None:
    documented = """
    {
     "model_version_status": [
      {
       "version": "123",
       "state": "AVAILABLE",
       "status": {
        "error_code": "OK",
        "error_message": ""
       }
      }
     ]
    }"""

    for path in (HALF, f"{HALF}/versions/123", f"{HALF}/labels/stable"):
        status, answer = rest.ask("GET", path)
        assert (status, squeezed(answer.decode())) == (200, squeezed(documented))


def test_a_prediction_is_as_documented(rest: Rest) -> None:
    for path in (HALF, f"{HALF}/versions/123", f"{HALF}/labels/stable"):
        status, answer = rest.ask("POST", f"{path}:predict", data='{"instances": [1.0,2.0,5.0]}')
        assert (status, squeezed(answer.decode())) == (200, '{"predictions":[3.5,4.0,5.5]}')


def test_a_regression_is_as_documented(rest: Rest) -> None:
    body = {"signature_name": "tensorflow/serving/regress", **EXAMPLES}

    status, answer = rest.ask("POST", f"{HALF}:regress", data=json.dumps(body))

    assert (status, squeezed(answer.decode())) == (200, '{"results":[3.5,4.0]}')


def test_an_unknown_model_is_as_documented(rest: Rest) -> None:
    assert refusal(rest, "POST", "/v1/models/half:predict", {"instances": [1.0, 5.0]}) == (
        404,
        "Servable not found for request: Latest(half)",
    )


def test_rows_and_columns_as_documented_give_the_same(rest: Rest) -> None:
    rows = [
        {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
        {"tag": "bar", "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
    ]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    tags = [{"b64": "Zm9v"}, {"b64": "YmFy"}]

    predictions = post(rest, f"{MANY}:predict", {"instances": rows})["predictions"]
    outputs = post(rest, f"{MANY}:predict", {"inputs": columns})["outputs"]

    assert predictions == [
        {"tag": row["tag"], "tag_bytes": tag, "total": 15.0, "sensor": row["sensor"]}
        for row, tag in zip(rows, tags, strict=True)
    ]
    assert outputs == {
        "tag": columns["tag"],
        "tag_bytes": tags,
        "total": [15.0, 15.0],
        "sensor": columns["sensor"],
    }


def test_classes_come_with_their_scores(rest: Rest) -> None:
    examples = [{"x": 1.0}, {"x": 0.25}]

    assert post(rest, f"{HALF}:classify", {"signature_name": "classify", "examples": examples}) == {
        "results": [[["low", 0.0], ["high", 1.0]], [["low", 0.75], ["high", 0.25]]]
    }


def test_examples_share_their_context(rest: Rest) -> None:
    body = {"signature_name": "classify", "context": {"x": [1.0]}, "examples": [{"y": 2}, {}]}

    results = post(rest, f"{HALF}:classify", body)["results"]

    assert [row[1] for row in results] == [["high", 1.0]] * 2


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ([1], "Example must be JSON object but got JSON Array"),
        ({"x": None}, "Feature: x has element with unexpected JSON type: Null"),
        ({"x": {"y": 1}}, "Feature: x has element with unexpected JSON type: Object"),
        ({"x": [[1.0]]}, "Feature: x has element with unexpected JSON type: Array"),
        ({"x": [1, 1.5]}, "Unexpected element type in feature: x expecting type: int64"),
        ({"x": 2**63}, "Feature: x has uint64 element. Only int64 is supported."),
        ({"x": 1e39}, "Cannot convert JSON value: 1e+39 to float without loss of precision."),
        ({"x": {"b64": "?"}}, "Unable to base64 decode"),
    ],
)
def test_features_that_cannot_be_are_told(rest: Rest, example: Any, message: str) -> None:
    body = {"signature_name": "classify", "examples": [example]}

    assert refusal(rest, "POST", f"{HALF}:classify", body) == (400, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "When method is classify, key 'examples' is expected and was not found"),
        ({"examples": []}, "'examples' value is an empty array"),
        ({"examples": {}}, "Expecting 'examples' value to be an list/array"),
        ({"examples": [{}]}, "Expected one or two output Tensors"),
    ],
)  # fmt: skip
def test_requests_without_examples_are_told(rest: Rest, body: Any, message: str) -> None:
    status, told = refusal(rest, "POST", f"{MANY}:classify", body)

    assert status == 400
    assert message in told


def test_every_type_comes_back_as_it_was_sent(rest: Rest) -> None:
    values = {
        "bool": [True, False],
        "float": [0.1, 1e-45],
        "double": [0.1, 5e-324],
        "int8": -128,
        "uint16": [[65535]],
        "int32": [-(2**31)],
        "int64": [-(2**63), 2**63 - 1],
        "uint64": 2**64 - 1,
        "text": ["é", ""],
    }

    assert post(rest, f"{MANY}:predict", {"signature_name": "echo", "inputs": values}) == {
        "outputs": values
    }


def test_what_is_not_finite_goes_in_and_comes_out(rest: Rest) -> None:
    body = '{"signature_name": "inverse", "instances": [0, -0.0, NaN, Infinity]}'

    status, answer = rest.ask("POST", f"{MANY}:predict", data=body)

    assert (status, answer.decode()) == (
        200,
        '{"predictions":[{"x":0.0,"y":Infinity},{"x":-0.0,"y":-Infinity},{"x":NaN,"y":NaN},'
        '{"x":Infinity,"y":0.0}]}',
    )


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("uneven", "Tensor name: first has inconsistent batch size: 1 expecting: 3"),
        ("scalar", "Tensor name: sum has no shape information "),
    ],
)
def test_outputs_that_are_no_rows_need_columns(rest: Rest, signature: str, message: str) -> None:
    rows = {"signature_name": signature, **THREE}
    columns = {"signature_name": signature, "inputs": THREE["instances"]}

    assert refusal(rest, "POST", f"{MANY}:predict", rows) == (400, message)
    assert post(rest, f"{MANY}:predict", columns)["outputs"] in (
        8.0,
        {"all": [1.0, 2.0, 5.0], "first": [1.0]},
    )


def test_the_signatures_are_metadata(rest: Rest) -> None:
    status, answer = rest.ask("GET", f"{HALF}/labels/stable/metadata")

    found = json.loads(answer)
    assert status == 200
    assert found["model_spec"] == {
        "name": "half_plus_three",
        "signature_name": "",
        "version": "123",
    }
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert {"classify", "serving_default", "tensorflow/serving/regress"} <= set(signatures)
    x = signatures["serving_default"]["inputs"]["x"]
    assert x["dtype"] == "DT_FLOAT"
    assert x["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert signatures["serving_default"]["method_name"] == "tensorflow/serving/predict"


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/v1/foo", 400, "Malformed request: GET /v1/foo"),
        ("POST", "/v1/foo", 400, "Malformed request: POST /v1/foo"),
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("POST", "/v1/models", 400, "Malformed request: POST /v1/models"),
        ("POST", HALF, 400, f"Malformed request: POST {HALF}"),
        ("PUT", HALF, 400, f"Malformed request: PUT {HALF}"),
        ("GET", f"{HALF}:predict", 400, f"Malformed request: GET {HALF}:predict"),
        ("POST", f"{HALF}:explain", 400, f"Malformed request: POST {HALF}:explain"),
        ("POST", f"{HALF}/metadata", 400, f"Malformed request: POST {HALF}/metadata"),
        ("GET", f"{HALF}/version/1", 400, f"Malformed request: GET {HALF}/version/1"),
        (
            "POST",
            f"{HALF}/versions/1/labels/a:predict",
            400,
            f"Malformed request: POST {HALF}/versions/1/labels/a:predict",
        ),
        (
            "POST",
            f"{HALF}/versions/18446744073709551615:predict",
            400,
            "Failed to convert version: 18446744073709551615 to numeric.",
        ),
        (
            "GET",
            f"{HALF}/versions/{'9' * 5000}",
            400,
            f"Failed to convert version: {'9' * 5000} to numeric.",
        ),
        ("GET", "/v1/models/%FF", 400, "Failed to decode model name:%FF"),
        ("GET", "/v1/models/none", 404, "Could not find any versions of model none"),
        ("GET", f"{HALF}/versions/7", 404, "Could not find version 7 of model half_plus_three"),
        ("GET", f"{HALF}/labels/none", 400, "Unrecognized servable version label: none"),
        (
            "GET",
            "/v1/models/none/metadata",
            404,
            "Servable not found for request: Latest(none)",
        ),
        ("GET", "/statuspage", 404, "Not Found: GET /statuspage"),
        ("GET", "/", 404, "Not Found: GET /"),
    ],
)
def test_paths_that_lead_nowhere_are_told(
    rest: Rest, method: str, path: str, status: int, message: str
) -> None:
    assert refusal(rest, method, path) == (status, message)


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (f"{HALF}/versions/7", THREE, 404,
         "Servable not found for request: Specific(half_plus_three, 7)"),
        (f"{HALF}/labels/none", THREE, 400, "Unrecognized servable version label: none"),
        (HALF, b"", 400, "JSON Parse error: The document is empty"),
        (HALF, b"instances = [1, 2]", 400, "JSON Parse error: Invalid value. at offset: 0"),
        (HALF, {"signature_name": 1}, 400, 'JSON Value: {\n    "signature_name": 1\n} not '
         "formatted correctly. 'signature_name' key must be a string value."),
        (HALF, {"signature_name": "none", **THREE}, 400,
         'Serving signature name: "none" not found in signature def'),
    ],
)  # fmt: skip
def test_requests_that_cannot_be_answered_are_told(
    rest: Rest, path: str, body: Any, status: int, message: str
) -> None:
    assert refusal(rest, "POST", f"{path}:predict", body) == (status, message)


def test_an_error_of_the_model_is_the_clients(rest: Rest) -> None:
    body = {"signature_name": "invert_matrix", "instances": [[[0, 0], [0, 0]]]}

    status, message = refusal(rest, "POST", f"{MANY}:predict", body)

    assert status == 400
    assert "Input is not invertible" in message


def test_a_slow_model_is_not_waited_for(rest: Rest) -> None:
    body = {"signature_name": "slow", "instances": [0]}

    status, answer, _ = rest.ask_another(
        {"rest_api_timeout_in_ms": 1}, {}, f"{MANY}:predict", json=body
    )

    assert (status, json.loads(answer)) == (504, {"error": "Timed out waiting for notification"})


def test_gzipped_bodies_are_unpacked(rest: Rest) -> None:
    body = gzip.compress(json.dumps(THREE).encode())
    headers = {"Content-Encoding": "gzip"}

    status, answer = rest.ask("POST", f"{HALF}:predict", data=body, headers=headers)

    assert (status, answer) == (200, b'{"predictions":[3.5,4.0,5.5]}')


def test_bodies_that_are_not_gzipped_as_they_say_are_refused(
    rest: Rest, caplog: pytest.LogCaptureFixture
) -> None:
    status, answer = rest.ask(
        "POST", f"{HALF}:predict", data=b"no gzip", headers={"Content-Encoding": "gzip"}
    )

    assert status == 400
    assert "Can not decode content-encoding: gzip" in json.loads(answer)["error"]
    assert not caplog.records


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_bodies_beyond_the_limit_are_refused(rest: Rest, encoding: str | None) -> None:
    body = b" " * 10**7
    headers = {"Content-Encoding": encoding} if encoding else {}
    data = gzip.compress(body) if encoding else body

    status, answer, _ = rest.ask_another(
        {}, {"max_body": 10**6}, f"{HALF}:predict", data=data, headers=headers
    )

    assert status == 413
    assert "error" in json.loads(answer)


def test_large_bodies_are_answered(rest: Rest) -> None:
    count = 500_000

    answer = post(rest, f"{HALF}:predict", {"instances": [1.0] * count})

    assert answer == {"predictions": [3.5] * count}


def test_browsers_are_answered_only_if_enabled(rest: Rest) -> None:
    *_, plain = rest.ask_another({}, {}, f"{HALF}:predict", json=THREE)
    cors = {"enable_cors_support": True}
    *_, allowed = rest.ask_another(cors, {}, f"{HALF}:predict", json=THREE)
    status, _, preflight = rest.ask_another(cors, {}, f"{HALF}:predict", method="OPTIONS")

    assert "Access-Control-Allow-Origin" not in plain
    assert status == 200
    for headers in (allowed, preflight):
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Access-Control-Allow-Methods"] == "POST, GET"
        assert headers["Access-Control-Allow-Headers"] == "Content-Type"


def test_metrics_are_where_the_config_says(rest: Rest, tmp_path: Any) -> None:
    file = tmp_path / "monitoring.txt"
    file.write_text('prometheus_config { enable: true path: "/metrics" }')
    post(rest, f"{HALF}:predict", THREE)

    status, answer, _ = rest.ask_another(
        {"monitoring_config_file": str(file)}, {}, "/metrics", method="GET"
    )
    hidden, *_ = rest.ask_another({}, {}, "/metrics", method="GET")

    assert status == 200
    assert b':tensorflow:serving:request_count{model_name="half_plus_three",status="OK"}' in answer
    assert b'API="Predict",entrypoint="REST"' in answer
    assert hidden == 404
