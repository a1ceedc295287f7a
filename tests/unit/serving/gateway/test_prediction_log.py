"""Each prediction can be read from the log, once, with its features and outputs."""

import asyncio
import base64
import json
import math
import random
import stat
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from evergreen.serving.client.tensors import fill
from evergreen.serving.gateway.metrics import Metrics
from evergreen.serving.gateway.prediction_log.entries import Entry
from evergreen.serving.gateway.prediction_log.files import SCHEMA, Files
from evergreen.serving.gateway.prediction_log.reader import MAX_NUMBERS, PLACE, numbers, read
from evergreen.serving.gateway.prediction_log.recorder import MIB, Recorder
from evergreen.serving.protos import (
    Example,
    PredictRequest,
    PredictResponse,
    RegressionRequest,
    types_pb2,
)
from evergreen.settings.gateway import PredictionLogSettings
from tests.unit.serving.gateway.test_dispatch import examples
from tests.unit.serving.gateway.worlds import Clock, world


def rows_in(folder: Path) -> list[dict[str, Any]]:
    """All rows, read as a user would."""
    table = ds.dataset(folder, format="parquet", partitioning="hive").to_table()
    rows = table.to_pylist()
    return [row | {name: json.loads(row[name]) for name in ("features", "outputs")} for row in rows]


def entry(request: bytes, response: bytes, **changes: Any) -> Entry:
    values = {
        "request_id": "r",
        "time": 1.5,
        "arm": "stable",
        "version": 1,
        "api": "Predict",
        "path": "",
    }
    return Entry(**(values | changes), request=request, response=response)


def logged(*entries: Entry, folder: Path, **settings: Any) -> tuple[list[dict[str, Any]], Metrics]:
    """Logs entries and reads them again."""
    parsed = PredictionLogSettings.model_validate({"folder": folder} | settings)
    metrics = Metrics()
    recorder = Recorder(
        Files(folder, parsed, Clock()), parsed.sample, MIB, MIB, None, metrics, random.Random(1)
    )
    for line in entries:
        recorder.offer(line)
    recorder.close()
    return rows_in(folder), metrics


def dropped(metrics: Metrics, reason: str) -> float:
    return metrics.dropped.labels(reason)._value.get()


def predicted(inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray]) -> tuple[bytes, bytes]:
    request, response = PredictRequest(), PredictResponse()
    request.model_spec.signature_name = "raw"
    response.model_spec.name = "half"
    response.model_spec.version.value = 7
    for name, array in inputs.items():
        fill(request.inputs[name], array)
    for name, array in outputs.items():
        fill(response.outputs[name], array)
    return request.SerializeToString(), response.SerializeToString()


def test_every_prediction_of_both_apis_is_in_the_files(tmp_path: Path) -> None:
    async def scenario() -> Counter[str]:
        asked: Counter[str] = Counter()
        log = {"folder": tmp_path, "rotate_rows": 100}
        async with world(log=log) as here:
            for number in range(200):
                name, x = f"id-{number}", [float(number)] * (1 + number % 3)
                asked[name] = len(x)
                if number % 2:
                    await here.predict(x, metadata=[("x-request-id", name)])
                else:
                    await here.post(x, headers={"x-request-id": name})
            await here.stub.Regress(
                examples(RegressionRequest, 0.5), metadata=[("x-request-id", "regress")]
            )
            asked["regress"] = 1
        return asked

    asked = asyncio.run(scenario())
    rows = rows_in(tmp_path)
    assert Counter(row["request_id"] for row in rows) == asked
    assert {row["version"] for row in rows} == {1, 2}
    for row in rows:
        assert row["model"] == "half"
        assert row["arm"] == {1: "stable", 2: "canary"}[row["version"]]
        [feature], [output] = row["features"].values(), row["outputs"].values()
        assert output == feature / 2 + 1
    assert len(list(tmp_path.rglob("*.parquet"))) >= 4
    assert not list(tmp_path.rglob(".*"))


def test_the_schema_is_as_documented(tmp_path: Path) -> None:
    rows, _ = logged(
        entry(*predicted({"x": np.ones(2, "f")}, {"y": np.ones(2, "f")})), folder=tmp_path
    )
    [file] = tmp_path.rglob("*.parquet")
    assert file.parent.name.startswith("date=2")
    assert pa.parquet.read_schema(file).equals(SCHEMA)
    assert [row["row"] for row in rows] == [0, 1]
    assert rows[0]["time"].timestamp() == 1.5
    assert rows[0]["signature"] == "raw"


def test_features_of_examples_are_written_by_name(tmp_path: Path) -> None:
    example = Example()
    example.features.feature["fare"].float_list.value.append(12.1)
    example.features.feature["hour"].int64_list.value.append(23)
    example.features.feature["company"].bytes_list.value.append("Taxi é".encode())
    example.features.feature["tags"].bytes_list.value.extend([b"a", b"\xff"])
    example.features.feature["missing"].SetInParent()
    text = example.SerializeToString()
    outputs = {"probabilities": np.array([0.1], "f")}
    by_grpc = predicted({"examples": np.array([text], object)}, outputs)
    by_rest = (
        json.dumps({"instances": [{"b64": base64.b64encode(text).decode()}]}).encode(),
        b'{"predictions": [0.1]}',
    )
    rest = {"api": "REST predict", "path": "/v1/models/half/versions/3:predict"}
    rows, _ = logged(entry(*by_grpc), entry(*by_rest, **rest, version=None), folder=tmp_path)
    expected = {
        "fare": 12.1,
        "hour": 23,
        "company": "Taxi é",
        "tags": ["a", {"b64": "/w=="}],
        "missing": None,
    }
    assert [row["features"] for row in rows] == [expected, expected]
    assert [row["outputs"] for row in rows] == [{"probabilities": 0.1}, {"output": 0.1}]
    assert [row["version"] for row in rows] == [1, 3]


def test_strings_that_are_no_examples_stay_strings(tmp_path: Path) -> None:
    texts = np.array([b"hello", b"", b"\n\x05abc"], object)
    rows, _ = logged(entry(*predicted({"text": texts}, {"y": np.ones(3, "f")})), folder=tmp_path)
    assert [row["features"]["text"] for row in rows] == ["hello", "", "\n\x05abc"]


def test_tensors_without_common_rows_are_one_row(tmp_path: Path) -> None:
    inputs = {"x": np.array([[1, 2], [3, 4]], np.int64), "scale": np.array(2.0, "f")}
    outputs = {"y": np.array([[2, 4], [6, 8]], np.int64)}
    [row], _ = logged(entry(*predicted(inputs, outputs)), folder=tmp_path)
    assert row["features"] == {"x": [[1, 2], [3, 4]], "scale": 2.0}
    assert row["outputs"] == {"rows": [{"y": [2, 4]}, {"y": [6, 8]}]}


@pytest.mark.parametrize(
    ("request_", "response", "features", "outputs"),
    [
        ({"inputs": {"a": [1, 2]}}, {"outputs": [3, 4]}, [{"a": 1}, {"a": 2}], [3, 4]),
        ({"inputs": 1}, {"outputs": 3}, [{"input": 1}], [3]),
        ({"instances": [{"a": 1, "b": "x"}]}, {"predictions": [3]}, [{"a": 1, "b": "x"}], [3]),
        ({"instances": [{"a": math.nan}]}, {"predictions": [3]}, [{"a": None}], [3]),
    ],
)
def test_formats_of_rest(
    tmp_path: Path, request_: Any, response: Any, features: list[Any], outputs: list[Any]
) -> None:
    texts = json.dumps(request_).encode(), json.dumps(response).encode()
    rest = {"api": "REST predict", "path": "/v1/models/half:predict"}
    rows, _ = logged(entry(*texts, **rest), folder=tmp_path)
    assert [row["features"] for row in rows] == features
    assert [row["outputs"]["output"] for row in rows] == outputs


def test_classifications_and_regressions_of_rest(tmp_path: Path) -> None:
    asked = b'{"context": {"a": 1}, "examples": [{"x": 2}, {"x": 3}]}'
    classified = b'{"results": [[["no", 0.1], ["yes", 0.9]], [["no", 0.2], ["yes", 0.8]]]}'
    path = "/v1/models/half:"
    rows, _ = logged(
        entry(asked, classified, api="REST classify", path=f"{path}classify"),
        entry(asked, b'{"results": [0.5, 0.6]}', api="REST regress", path=f"{path}regress"),
        folder=tmp_path,
    )
    assert [row["features"] for row in rows] == [{"a": 1, "x": 2}, {"a": 1, "x": 3}] * 2
    assert rows[1]["outputs"] == {"no": 0.2, "yes": 0.8}
    assert rows[2]["outputs"] == {"value": 0.5}


def test_numbers_of_an_answer_are_those_of_its_first_row() -> None:
    outputs = {"y": np.array([[0.5, 0.25], [1, 2]], "f"), "name": np.array([b"a", b"b"], object)}
    prediction = read(entry(*predicted({"x": np.ones(2, "f")}, outputs)))
    two = {"raw/y[0]": 0.5, "raw/y[1]": 0.25}
    assert numbers(prediction) == two | {"raw/y[largest]": 0.5, f"raw/y{PLACE}": 0}


def test_of_many_classes_the_predicted_one_is_a_number_too() -> None:
    scores = np.full((1, 500), 0.001, "f")
    scores[0, 400] = 0.5
    found = numbers(read(entry(*predicted({"x": np.ones(1, "f")}, {"y": scores}))))
    assert len(found) == MAX_NUMBERS + 2
    assert (found["raw/y[largest]"], found[f"raw/y{PLACE}"]) == (0.5, 400)


def test_a_sample_is_logged_if_asked(tmp_path: Path) -> None:
    pair = predicted({"x": np.ones(1, "f")}, {"y": np.ones(1, "f")})
    rows, _ = logged(*[entry(*pair) for _ in range(400)], folder=tmp_path, sample=0.25)
    assert 65 < len(rows) < 140


def test_an_entry_that_cannot_be_read_is_counted_and_the_next_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = predicted({"x": np.ones(1, "f")}, {"y": np.ones(1, "f")})
    rows, metrics = logged(entry(b"\xff", b""), entry(b"\xff", b""), entry(*good), folder=tmp_path)
    assert len(rows) == 1
    assert dropped(metrics, "unreadable") == 2
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"signature_name": "", "signature_name": 1, "instances": [1.0]}',
        b'{"signature_name": "\\ud800", "x": NaN, "instances": [1.0]}',
        b'{"instances": 1}',
        b"[" * 100_000,
        b'{"instances": [{"b64": "!"}]}',
        b'{"instances": [1.0], "signature_name": {"a": 1}}',
    ],
)
def test_what_one_request_holds_ends_no_log(tmp_path: Path, body: bytes) -> None:
    rest = {"api": "REST predict", "path": "/v1/models/half:predict"}
    answer = b'{"predictions": [1.0]}'
    hostile, good = (entry(text, answer, **rest) for text in (body, b'{"instances": [2.0]}'))
    rows, metrics = logged(good, hostile, good, folder=tmp_path)
    assert [row["features"] for row in rows] == [{"input": 2.0}] * 2
    assert dropped(metrics, "unreadable") == 1


def test_a_version_that_no_integer_holds_is_left_out_of_the_log(tmp_path: Path) -> None:
    path = f"/v1/models/half/versions/{10**20}:predict"
    body, answer = b'{"instances": [1.0]}', b'{"predictions": [1.0]}'
    strange = entry(body, answer, api="REST predict", path=path, version=None)
    good = entry(body, answer, api="REST predict", path="/v1/models/half:predict")
    rows, metrics = logged(strange, good, folder=tmp_path)
    assert len(rows) == 1
    assert metrics.lost() == 1


def test_what_would_take_too_much_memory_is_not_read(tmp_path: Path) -> None:
    """16 bytes that say 2^28 values, a million rows, and a body beyond the limit."""
    repeated, answer = predicted({"x": np.ones(1, "f")}, {"y": np.ones(1, "f")})
    repeated = PredictRequest.FromString(repeated)
    repeated.inputs["x"].Clear()
    repeated.inputs["x"].dtype = types_pb2.DT_INT32
    repeated.inputs["x"].int_val.append(1)
    repeated.inputs["x"].tensor_shape.dim.add(size=2**28)
    rest = {"api": "REST predict", "path": "/v1/models/half:predict"}
    many = b'{"instances": [' + b",".join([b"1"] * 200_000) + b"]}"
    rows, metrics = logged(
        entry(repeated.SerializeToString(), answer),
        entry(many, b'{"predictions": [1]}', **rest),
        entry(b" " * MIB, b'{"predictions": [1]}', **rest),
        folder=tmp_path,
    )
    assert rows == []
    assert dropped(metrics, "large") == 3


def test_only_the_owner_reads_the_log(tmp_path: Path) -> None:
    pair = predicted({"x": np.ones(1, "f")}, {"y": np.ones(1, "f")})
    logged(entry(*pair), folder=tmp_path)
    [file] = tmp_path.rglob("*.parquet")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_too_much_is_dropped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader that is held up: offering goes on, within the memory that was given."""
    held, let_go = threading.Event(), threading.Event()

    def hold(version: int, values: object) -> None:
        held.set()
        let_go.wait()

    pair = predicted({"x": np.ones(1, "f")}, {"y": np.ones(1, "f")})
    metrics = Metrics()
    size = entry(*pair).size
    files = Files(tmp_path, PredictionLogSettings(folder=tmp_path), Clock())
    recorder = Recorder(files, 1.0, 10 * size, MIB, hold, metrics, random.Random(1))
    for _ in range(15):
        recorder.offer(entry(*pair))
    held.wait()
    let_go.set()
    recorder.close()
    assert len(rows_in(tmp_path)) == 10
    assert dropped(metrics, "queue") == 5
    assert len(caplog.records) == 1


def test_files_are_finished_after_their_time(tmp_path: Path) -> None:
    clock = Clock()
    files = Files(tmp_path, PredictionLogSettings(folder=tmp_path, rotate_seconds=60), clock)
    line = entry(*predicted({"x": np.ones(1, "f")}, {"y": np.ones(1, "f")}))
    clock.now = 1000.0
    files.add(line, read(line))
    clock.now = 1059.0
    assert not files.is_due
    clock.now = 1060.0
    assert files.is_due
    assert files.write() == (1, 0)
    assert not files.is_due
    assert files.write() == (0, 0)
    assert len(rows_in(tmp_path)) == 1
