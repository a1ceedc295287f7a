"""A model that serves as its clients expect is blessed, and pushed with its requests."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.utils import proto_utils

from evergreen.components.pusher import Executor
from evergreen.serving.trial.recorded import read_requests
from evergreen.settings.gates import ServingCriteria
from tests.unit.serving.trial.models import export, probabilities
from tests.unit.serving.trial.programs import make_program

from .node import Node, refused

CRITERIA = ServingCriteria(rows=20, batch_sizes=(1, 8))
REQUESTS = 20 + 3  # a signature


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    folder = tmp_path_factory.mktemp("good")
    export(folder / "model" / "Format-Serving")
    return Node(folder, folder / "model")


@pytest.fixture(scope="module")
def report(node: Node, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Against a serving version that had one signature more, which is declared to go.

    The model server is one that the settings name.
    """
    served = tmp_path_factory.mktemp("served")
    export(served / "Format-Serving", {"raw": probabilities, "old": probabilities})
    criteria = CRITERIA.model_copy(update={"may_break": 3})
    return node(criteria, served, version=3, model_server=str(make_program(served)))


@pytest.fixture(scope="module")
def pushed(node: Node, report: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What our Pusher makes of the blessing alone."""
    serving = tmp_path_factory.mktemp("serving")
    folder = pusher_pb2.PushDestination.Filesystem(base_directory=str(serving))
    receipt = standard_artifacts.PushedModel()
    properties = {
        specs.PUSH_DESTINATION_KEY: proto_utils.proto_to_json(
            pusher_pb2.PushDestination(filesystem=folder)
        ),
        specs.CUSTOM_CONFIG_KEY: json.dumps({"model_version": 7, "train_key": "key"}),
    }
    blessing = {specs.INFRA_BLESSING_KEY: [node.blessing]}
    Executor().Do(blessing, {specs.PUSHED_MODEL_KEY: [receipt]}, properties)
    return serving / "7"


def test_it_is_blessed_with_a_full_report(report: dict[str, Any]) -> None:
    assert refused(report) == {}
    assert (report["blessed"], report["baseline_version"]) == (True, 3)
    assert (report["requests"], report["rows"]) == (2 * REQUESTS, 20)
    assert set(report["latency"]) == {"serving_default", "raw"}
    for times in report["latency"].values():
        assert 0 < times["p50_ms"] <= times["p95_ms"] <= times["p99_ms"]
    assert report["memory_mb"] > 100  # TensorFlow alone is more
    assert report["load_seconds"] > 0
    assert report["signatures"]["raw"] == {
        "inputs": {"fare": "float32[?]", "hour": "int64[?]", "payment": "string[?]"},
        "outputs": {"probabilities": "float32[?]"},
    }


def test_answers_of_the_server_are_those_of_this_process(report: dict[str, Any]) -> None:
    checks = {line["criterion"]: (line["value"], line["detail"]) for line in report["checks"]}
    for name, way in product(
        ("serving_default", "raw"), ("gRPC", "REST by columns", "REST by rows")
    ):
        assert checks[f"{name}: every request is answered over {way}"] == (REQUESTS, "")
        assert checks[f"{name}: answers over {way} as in this process"] == (0.0, "bit for bit")
    assert checks["raw: answers as serving_default"] == (0.0, "bit for bit")
    assert report["server"] == "TensorFlow ModelServer: by hand"


def test_a_declared_break_passes_and_says_so(report: dict[str, Any]) -> None:
    [line] = [
        check for check in report["checks"] if check["criterion"].startswith("clients of version")
    ]
    assert (line["passed"], line["value"]) == (True, 1.0)
    assert line["detail"] == "declared by may_break=3: old is gone"


def test_pusher_pushes_the_model_with_its_requests(pushed: Path) -> None:
    model = tf.saved_model.load(str(pushed))
    requests = list(read_requests(pushed))
    assert len(requests) == 2 * REQUESTS
    for asked, other in zip(requests[:REQUESTS], requests[REQUESTS:], strict=True):
        assert (asked.signature, other.signature) == ("serving_default", "raw")
        answers = [
            model.signatures[request.signature](
                **{name: tf.constant(values) for name, values in request.inputs.items()}
            )["probabilities"].numpy()
            for request in (asked, other)
        ]
        np.testing.assert_array_equal(*answers)


def test_requests_hold_what_clients_know_and_nothing_else(pushed: Path) -> None:
    requests = list(read_requests(pushed))
    for request, raw in zip(requests[:20], requests[REQUESTS:], strict=False):
        [record] = request.inputs["examples"]
        features = tf.train.Example.FromString(record).features.feature
        assert set(features) <= {"fare", "hour", "payment"}
        [fare], [hour], [payment] = (raw.inputs[name] for name in ("fare", "hour", "payment"))
        assert np.isnan(fare) == (not features["fare"].float_list.value)
        assert (hour == -1) == (not features["hour"].int64_list.value)
        assert (payment == b"") == (not features["payment"].bytes_list.value)
    gaps = [raw.inputs["fare"][0] for raw in requests[REQUESTS : REQUESTS + 20]]
    assert 0 < np.isnan(gaps).sum() < 20
