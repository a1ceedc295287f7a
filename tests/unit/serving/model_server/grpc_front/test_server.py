"""TensorFlow Serving's own clients are answered, and refused, as by TensorFlow Serving."""

import concurrent.futures
import os
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, ModelVersionStatus
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from evergreen.errors import EvergreenError
from evergreen.serving.client import Client
from tests.fuzzing import fuzz
from tests.unit.serving.model_server.running import Server, request

PREDICT = "/tensorflow.serving.PredictionService/Predict"
ONE = np.array([1.0], np.float32)


def outputs(server: Server, wanted: PredictRequest) -> dict[str, list]:
    answer = server.predictions.Predict(wanted)
    return {name: tf.make_ndarray(proto).tolist() for name, proto in answer.outputs.items()}


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """The code and the message that a call ends with."""
    with pytest.raises(grpc.RpcError) as refused:
        call()
    return refused.value.code().name, refused.value.details()


def examples(*values: float) -> Input:
    rows = Input()
    for value in values:
        row = rows.example_list.examples.add()
        row.features.feature["x"].float_list.value.append(value)
    return rows


def test_predict_answers_with_all_outputs_and_says_who_answered(model_server: Server) -> None:
    answer = model_server.predictions.Predict(request("half", x=ONE))
    assert list(answer.outputs["y"].float_val) == [2.5]
    assert sorted(answer.outputs) == ["x", "y"]
    assert answer.model_spec.name == "half"
    assert answer.model_spec.version.value == 2
    assert answer.model_spec.signature_name == "serving_default"


def test_predict_by_version_label_and_filter(model_server: Server) -> None:
    wanted = request("half", x=ONE)
    wanted.model_spec.version.value = 1
    wanted.output_filter.append("y")
    assert outputs(model_server, wanted) == {"y": [1.5]}
    wanted.model_spec.version_label = "stable"
    assert outputs(model_server, wanted) == {"y": [1.5]}


def test_strings_and_several_inputs(model_server: Server) -> None:
    wanted = request("texts", inputs=[b"a", b"\xff"], numbers=np.array([[1, 2], [3, 4]]))
    assert outputs(model_server, wanted) == {"upper": [b"A", b"\xff"], "sum": [3, 7]}


def test_every_input_and_output_goes_by_its_name(model_server: Server) -> None:
    inputs = {"trip_miles": [5.0], "Fare": [2.0], "a": [1.0]}
    answer = outputs(model_server, request("mixed", **inputs))
    assert answer == {"z": [3], "B": [1], "fare": [2], "a b": [5]}


def test_a_model_of_tensorflow_1(model_server: Server) -> None:
    wanted = request("tf1", x=[1.0, 2.0], y=[0.5, 1.0])
    assert outputs(model_server, wanted) == {"result": [2.5, 5], "again": [1, 2]}


def test_the_graph_decides_which_shapes_it_takes(model_server: Server) -> None:
    three = np.array([2.0, 3.0, 4.0], np.float32)
    assert outputs(model_server, request("half_plus_two", x=three)) == {"y": [3.0, 3.5, 4.0]}
    for array in (three[0], three[None], np.ones((2, 1, 2), np.float32)):
        answer = outputs(model_server, request("half", x=array))  # of TensorFlow 2; x is [-1]
        np.testing.assert_array_equal(answer["y"], array / 2 + 2)
    wrong = request("texts", inputs=[b"a"], numbers=np.array([1, 2]))
    code, message = refusal(lambda: model_server.predictions.Predict(wrong))
    assert code == "INVALID_ARGUMENT"
    assert "Invalid reduction dimension (1 for input with 1 dimension(s)" in message


def test_names_of_inputs_may_be_any(model_server: Server) -> None:
    wanted = request("names", **{"image:0": [1.0], "user/age": [2.0]})
    wanted.model_spec.version.value = 1
    assert outputs(model_server, wanted) == {"sum:0": [21]}
    wanted = request("names", **{"user/age": [1.0], "user_age": [2.0]})
    assert outputs(model_server, wanted) == {"sum:0": [21]}


def test_floats_of_16_bits(model_server: Server) -> None:
    wanted = request("halves", "half", x=np.array([1.5], np.float16))
    assert outputs(model_server, wanted) == {"h": [3.0]}
    answer = model_server.predictions.Predict(request("halves", "embed", x=ONE))
    assert answer.outputs["e"].dtype == tf.bfloat16.as_datatype_enum
    assert tf.make_ndarray(answer.outputs["e"]).tolist() == [1.0]


def test_classify(model_server: Server) -> None:
    wanted = ClassificationRequest(input=examples(0.25))
    wanted.model_spec.name = "half"
    wanted.model_spec.signature_name = "classify"
    (row,) = model_server.predictions.Classify(wanted).result.classifications
    assert [(found.label, found.score) for found in row.classes] == [("low", 0.75), ("high", 0.25)]


def test_regress_with_a_context(model_server: Server) -> None:
    wanted = RegressionRequest()
    wanted.model_spec.name = "half"
    wanted.model_spec.signature_name = "regress"
    listed = wanted.input.example_list_with_context
    listed.context.features.feature["x"].float_list.value.append(4)
    listed.examples.add()
    listed.examples.add().features.feature["x"].float_list.value.append(6)
    result = model_server.predictions.Regress(wanted).result
    assert [regression.value for regression in result.regressions] == [4, 5]


def test_multi_inference(model_server: Server) -> None:
    wanted = MultiInferenceRequest(input=examples(0.5, 1))
    for name in ("classify", "regress"):
        task = wanted.tasks.add(method_name=f"tensorflow/serving/{name}")
        task.model_spec.name, task.model_spec.signature_name = "half", name
    classified, regressed = model_server.predictions.MultiInference(wanted).results
    assert len(classified.classification_result.classifications) == 2
    assert [regression.value for regression in regressed.regression_result.regressions] == [
        2.25,
        2.5,
    ]
    assert regressed.model_spec.signature_name == "regress"


def test_metadata_has_the_signatures(model_server: Server) -> None:
    wanted = GetModelMetadataRequest(metadata_field=["signature_def"])
    wanted.model_spec.name = "half"
    answer = model_server.predictions.GetModelMetadata(wanted)
    signatures = SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "classify", "regress"} <= signatures.signature_def.keys()
    assert answer.model_spec.version.value == 2
    wanted.metadata_field[:] = ["weights"]
    assert refusal(lambda: model_server.predictions.GetModelMetadata(wanted)) == (
        "INVALID_ARGUMENT",
        "Metadata field weights is not supported",
    )


def test_status_of_all_versions_and_of_one(model_server: Server) -> None:
    wanted = GetModelStatusRequest()
    wanted.model_spec.name = "half"
    answer = model_server.models.GetModelStatus(wanted).model_version_status
    available = ModelVersionStatus.AVAILABLE
    assert [(status.version, status.state) for status in answer] == [(2, available), (1, available)]
    wanted.model_spec.version.value = 7
    assert refusal(lambda: model_server.models.GetModelStatus(wanted)) == (
        "NOT_FOUND",
        "Could not find version 7 of model half",
    )
    wanted.model_spec.name = "none"
    wanted.model_spec.ClearField("version")
    assert refusal(lambda: model_server.models.GetModelStatus(wanted)) == (
        "NOT_FOUND",
        "Could not find any versions of model none",
    )


@pytest.mark.parametrize(
    ("wanted", "code", "message"),
    [
        (PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (request("none"), "NOT_FOUND", "Servable not found for request: Latest(none)"),
        (
            request("half", "nope", x=ONE),
            "FAILED_PRECONDITION",
            'Serving signature key "nope" not found.',
        ),
        (
            request("half", x=["text"]),
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but string is provided",
        ),
        (
            request("texts", inputs=["a"], numbers=np.array([[1.0, 2.0]])),
            "INVALID_ARGUMENT",
            "Expects arg[1] to be int64 but double is provided",
        ),
        (
            request("half"),
            "INVALID_ARGUMENT",
            "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. "
            "Missing but required: {x}.",
        ),
        (
            request("half", z=ONE),
            "INVALID_ARGUMENT",
            "input tensor alias not found in signature: z. Inputs expected to be in the set {x}.",
        ),
    ],
)
def test_wrong_requests_are_refused(
    model_server: Server, wanted: PredictRequest, code: str, message: str
) -> None:
    assert refusal(lambda: model_server.predictions.Predict(wanted)) == (code, message)


def test_wrong_output_filters_are_refused(model_server: Server) -> None:
    wanted = request("half", x=ONE)
    wanted.output_filter[:] = ["z"]
    assert refusal(lambda: model_server.predictions.Predict(wanted)) == (
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: z Outputs expected to be in the set {x,y}.",
    )
    wanted.output_filter[:] = ["y", "y"]
    assert refusal(lambda: model_server.predictions.Predict(wanted)) == (
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: y",
    )


def test_what_the_model_refuses_has_its_message(model_server: Server) -> None:
    code, message = refusal(
        lambda: model_server.predictions.Predict(request("texts", "parsed", inputs=["no example"]))
    )
    assert code == "INVALID_ARGUMENT"
    assert message.startswith("Could not parse example input, value: 'no example'")


def test_examples_that_are_missing_are_refused(model_server: Server) -> None:
    wanted = ClassificationRequest()
    wanted.model_spec.name = "half"
    wanted.model_spec.signature_name = "classify"
    answer = refusal(lambda: model_server.predictions.Classify(wanted))
    assert answer == ("INVALID_ARGUMENT", "Input is empty.")
    wanted.model_spec.signature_name = "nope"
    answer = refusal(lambda: model_server.predictions.Classify(wanted))
    assert answer == ("INVALID_ARGUMENT", "No signature was found with the name: nope")


@given(garbage=st.binary(max_size=200), kept=st.integers(0, 40))
@fuzz(200)
def test_bytes_that_are_no_request_are_refused(
    model_server: Server, garbage: bytes, kept: int
) -> None:
    call = model_server.channel.unary_unary(PREDICT)
    broken = request("half", x=ONE).SerializeToString()[:kept] + garbage
    try:
        call(broken)
    except grpc.RpcError as error:
        refused = {"INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"}
        assert error.code().name in refused, error  # noqa: PT017 - some are requests


def test_a_message_over_the_limit_is_refused(model_server: Server) -> None:
    wanted = request("half", x=np.ones(300_000, np.float32))
    code, message = refusal(lambda: model_server.predictions.Predict(wanted))
    assert code == "RESOURCE_EXHAUSTED"
    assert "larger than max" in message


def test_a_large_batch_below_the_limit_is_answered(model_server: Server) -> None:
    wanted = request("half", x=np.arange(200_000, dtype=np.float32))
    assert outputs(model_server, wanted)["y"][-1] == 199_999 / 2 + 2


def test_a_unix_socket_is_a_way_in(model_server: Server) -> None:
    with grpc.insecure_channel(f"unix:{model_server.log.parent}/grpc.sock") as channel:
        answer = PredictionServiceStub(channel).Predict(request("half", x=ONE))
    assert list(answer.outputs["y"].float_val) == [2.5]


def test_a_deadline_ends_a_request_and_others_go_on(model_server: Server, tmp_path: Path) -> None:
    for name in ("started", "let_go"):
        os.mkfifo(tmp_path / name)
    wanted = request("gate", folder=bytes(tmp_path))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(
            model_server.predictions.Predict, wanted, timeout=5
        )  # it has begun by then
        (tmp_path / "started").read_bytes()
        assert outputs(model_server, request("half", x=ONE))["y"] == [2.5]
        assert waiting.exception().code() is grpc.StatusCode.DEADLINE_EXCEEDED
        (tmp_path / "let_go").read_bytes()


def test_health_is_that_of_the_models(model_server: Server) -> None:
    health = HealthStub(model_server.channel)
    for name in ("", "half", "texts"):
        assert health.Check(HealthCheckRequest(service=name)).status == HealthCheckResponse.SERVING
    code, _ = refusal(lambda: health.Check(HealthCheckRequest(service="none")))
    assert code == "NOT_FOUND"


def test_reloading_serves_other_versions_and_labels(model_server: Server) -> None:
    folder = model_server.log.parent
    wanted = ReloadConfigRequest()
    served = wanted.config.model_config_list.config
    for name in ("half", "texts", "tf1", "mixed", "halves", "half_plus_two", "names", "gate"):
        served.add(name=name, base_path=f"{folder}/{name}", model_platform="tensorflow")
    served[0].model_version_policy.specific.versions.extend([1, 2])
    served[-2].model_version_policy.all.SetInParent()
    served[0].version_labels.update({"stable": 1, "canary": 2})
    assert model_server.models.HandleReloadConfigRequest(wanted).status.error_code == 0
    asked = request("half", x=ONE)
    asked.model_spec.version_label = "canary"
    assert outputs(model_server, asked)["y"] == [2.5]
    served[0].version_labels["canary"] = 9
    assert refusal(lambda: model_server.models.HandleReloadConfigRequest(wanted)) == (
        "FAILED_PRECONDITION",
        "Request to assign label to version 9 of model half, which is not currently available for "
        "inference",
    )
    assert outputs(model_server, asked)["y"] == [2.5]
    wanted.config.ClearField("model_config_list")
    code, message = refusal(lambda: model_server.models.HandleReloadConfigRequest(wanted))
    assert code == "INVALID_ARGUMENT"
    assert "Only ModelConfigList is currently supported" in message


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_our_client_asks_what_it_can_read(model_server: Server, protocol: str) -> None:
    target = model_server.address if protocol == "grpc" else model_server.rest
    with Client(target, model="names") as client:
        answer = client.predict([{"image:0": 1.0, "user/age": 2.0}], version=1)
        assert answer["sum:0"].tolist() == [21]
    with Client(target, model="halves") as client:
        assert client.predict([{"x": 1.5}])["y"].tolist() == [3.0]
        with pytest.raises(
            EvergreenError, match=r"'embed' cannot be asked .*: e is of the type bfl"
        ):
            client.predict([{"x": 1.5}], signature="embed")
        with pytest.raises(
            EvergreenError, match=r"'half' cannot be asked .*: x is of the type half"
        ):
            client.predict([{"x": 1.5}], signature="half")


@pytest.mark.parametrize(
    "method",
    [
        "SessionService/SessionRun",
        "ProfilerService/Profile",
        "PredictionService/PredictStreamed",
        "ModelService/Nothing",
    ],
)
def test_what_is_not_offered_is_unimplemented(model_server: Server, method: str) -> None:
    call = model_server.channel.unary_unary(f"/tensorflow.serving.{method}")
    assert refusal(lambda: call(b"")) == ("UNIMPLEMENTED", "Method not found!")


def test_the_initializer_of_a_model_is_no_prediction(model_server: Server) -> None:
    code, _ = refusal(
        lambda: model_server.predictions.Predict(request("half", "__saved_model_init_op"))
    )
    assert code == "OUT_OF_RANGE"  # TensorFlow's: an operation without outputs is fetched
