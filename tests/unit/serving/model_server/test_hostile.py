"""A stranger's requests at both doors of a real server: it lives, refuses, and its memory stays."""

import base64
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
import urllib3
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from evergreen.serving.model_server.core.budget import Budget
from evergreen.serving.model_server.core.errors import ServingError
from tests.fuzzing import cases
from tests.unit.serving.model_server.running import Server, request

MIB = 2**20
ONE = np.array([1.0], np.float32)
REFUSALS = {
    "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED",
    "OUT_OF_RANGE",
}  # fmt: skip
STATUSES = {200, 400, 404, 413, 429, 501}
MODELS = [
    "half",
    "texts",
    "tf1",
    "mixed",
    "halves",
    "half_plus_two",
    "names",
    "none",
    "",
    "\0",
    "ä",
]
SIGNATURES = ["", "serving_default", "regress", "classify", "parsed", "half", "embed", "x" * 3000]
RIGHT = {
    "half": {"x": 1}, "texts": {"inputs": 7, "numbers": 9}, "half_plus_two": {"x": 1},
    "mixed": {"trip_miles": 1, "Fare": 1, "a": 1}, "tf1": {"x": 1, "y": 1},
}  # fmt: skip
"""Inputs and their types, by model: what comes through to the graph."""
INPUTS = ["x", "y", "inputs", "numbers", "Fare", "a", "image:0", "user/age", "__class__", "", "z"]
SIZES = [-(2**63), -1, 0, 0, 1, 1, 1, 2, 2, 3, 1000, 2**24, 2**28, 2**31, 2**62, 2**63 - 1]
TYPES = [*types_pb2.DataType.values(), 9999, -1]
VALUES: dict[str, list[Any]] = {
    "float_val": [0.0, float("nan"), 1e30], "double_val": [1e300], "int_val": [-1, 2**31 - 1],
    "int64_val": [2**63 - 1], "uint32_val": [7], "uint64_val": [2**64 - 1], "bool_val": [True],
    "string_val": [b"", b"\xff", b"a" * 1000], "half_val": [0, 2**31 - 1], "scomplex_val": [1.0],
    "dcomplex_val": [1.0], "resource_handle_val": [{}], "variant_val": [{}],
}  # fmt: skip


@contextmanager
def flat_memory(server: Server, limit: int) -> Iterator[None]:
    """Fails if the server takes at any moment so many bytes more than before."""
    folder = Path(f"/proc/{server.process.pid}")

    def peak() -> int:
        lines = (folder / "status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024

    (folder / "clear_refs").write_text("5")  # the peak is now what is taken now
    before = peak()
    yield
    assert peak() - before < limit, f"{(peak() - before) // MIB} MiB more"
    answer = server.predictions.Predict(request("half", x=ONE))
    assert list(answer.outputs["y"].float_val) == [2.5]


def ask(server: Server, method: str, data: bytes, service: str = "PredictionService") -> str:
    """The code of the answer to bytes, which are perhaps no request."""
    call = server.channel.unary_unary(f"/tensorflow.serving.{service}/{method}")
    try:
        call(data, timeout=60)
    except grpc.RpcError as error:
        assert error.code().name in REFUSALS, (error, data[:1000])  # noqa: PT017 - some are OK
        return str(error.code().name)
    return "OK"


def few(dtype: int, size: int) -> TensorProto:
    """A tensor of many elements that carries one."""
    proto = TensorProto(dtype=dtype)
    proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize("model", ["halves", "half", "texts"])
@pytest.mark.parametrize("dtype", [1, 7, 9, 14, 19, 23, 8, 18, 20, 21])
def test_a_few_bytes_do_not_become_much_memory(
    model_server: Server, model: str, dtype: int
) -> None:
    wanted = PredictRequest()
    wanted.model_spec.name = model
    wanted.model_spec.signature_name = "half" if model == "halves" else ""
    wanted.inputs["inputs" if model == "texts" else "x"].CopyFrom(few(dtype, 2**28))
    assert wanted.ByteSize() < 60
    with flat_memory(model_server, 40 * MIB):
        assert ask(model_server, "Predict", wanted.SerializeToString()) == "INVALID_ARGUMENT"


def test_all_inputs_share_one_budget(model_server: Server) -> None:
    wanted = request("mixed")
    for name in ("trip_miles", "Fare", "a"):
        wanted.inputs[name].CopyFrom(few(types_pb2.DT_FLOAT, 2 * MIB))
    with (
        flat_memory(model_server, 40 * MIB),
        pytest.raises(grpc.RpcError, match="at most 16777216 are allowed"),
    ):
        model_server.predictions.Predict(wanted)
    small = request("mixed")
    for name in ("trip_miles", "Fare", "a"):
        small.inputs[name].CopyFrom(few(types_pb2.DT_FLOAT, 4))
    answer = model_server.predictions.Predict(small)
    assert tf.make_ndarray(answer.outputs["z"]).tolist() == [0, 0, 0, 0]


def test_an_answer_takes_little_more_than_it_carries(model_server: Server) -> None:
    wanted = request("half")
    wanted.inputs["x"].CopyFrom(few(types_pb2.DT_FLOAT, 4 * MIB - 8))
    with flat_memory(model_server, 300 * MIB):  # two outputs: arrays, protos, bytes as they grow
        ask(model_server, "Predict", wanted.SerializeToString())


def test_small_inputs_are_not_broadcast_to_large_ones(model_server: Server) -> None:
    side = 30_000
    column, row = np.ones((side, 1), np.float32), np.ones((1, side), np.float32)
    wanted = request("mixed", trip_miles=column, Fare=row, a=ONE)
    with flat_memory(model_server, 40 * MIB):
        with pytest.raises(grpc.RpcError, match="may become 900000000 elements"):
            model_server.predictions.Predict(wanted)
        wanted = request("mixed", trip_miles=column[:300], Fare=row[:, :300], a=ONE)
        answer = model_server.predictions.Predict(wanted)
    assert tf.make_ndarray(answer.outputs["z"]).shape == (300, 300)


def test_what_was_refused_is_forgotten_at_once(model_server: Server) -> None:
    wanted = request("texts", inputs=[b"a"])
    wanted.inputs["numbers"].CopyFrom(few(types_pb2.DT_INT64, MIB))  # the model wants a matrix
    with flat_memory(model_server, 100 * MIB):
        for _ in range(40):
            assert ask(model_server, "Predict", wanted.SerializeToString()) == "INVALID_ARGUMENT"


def test_requests_in_flight_share_one_budget_too() -> None:
    budget = Budget(size=100)
    with budget.share() as first, budget.share() as second:
        first(60)
        with pytest.raises(ServingError, match="take all memory") as refused:
            second(50)
        assert refused.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        second(40)
    with budget.share() as third:
        third(100)


def test_a_context_is_not_copied_without_end(model_server: Server) -> None:
    wanted = RegressionRequest()
    wanted.model_spec.name, wanted.model_spec.signature_name = "half", "regress"
    listed = wanted.input.example_list_with_context
    listed.context.features.feature["x"].bytes_list.value.append(b"a" * 500_000)
    for _ in range(2000):
        listed.examples.add()
    with flat_memory(model_server, 40 * MIB):
        answer = ask(model_server, "Regress", wanted.SerializeToString())
        assert answer == "INVALID_ARGUMENT"


def test_an_error_that_names_much_is_cut(model_server: Server) -> None:
    wanted = request("half", **{f"{number}" + "ä" * 20: 1.0 for number in range(5000)})
    with pytest.raises(grpc.RpcError, match="input size does not match signature: 5000!=1"):
        model_server.predictions.Predict(wanted)


def post(server: Server, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    answer = POOL.request(
        "POST", f"{server.rest}{path}", body=body, headers=headers, retries=False, timeout=60
    )
    assert answer.status in STATUSES, (answer.status, answer.data[:500], path, body[:500])
    return answer.status, answer.data


POOL = urllib3.PoolManager()


@pytest.mark.parametrize("piece", [b"{},", b"[],", b"0,", b'"",', b'{"b64":""},'])
def test_json_of_many_values_is_refused_before_it_is_parsed(
    model_server: Server, piece: bytes
) -> None:
    body = b'{"instances":[' + piece * (10 * MIB) + b"0]}"
    with flat_memory(model_server, 4 * len(body) + 40 * MIB):
        status, answer = post(model_server, "/v1/models/half:predict", body)
    assert status == 400
    assert b"bytes of memory beyond what it carries" in answer


def tensor(chance: random.Random, dtype: int | None = None) -> TensorProto:
    """Any tensor: its type, shape and values need not go together."""
    proto = TensorProto(dtype=chance.choice(TYPES) if dtype is None else dtype)
    for _ in range(chance.choice([0, 1, 1, 1, 1, 1, 2, 2, 3, 70])):
        proto.tensor_shape.dim.add(size=chance.choice(SIZES))
    proto.tensor_shape.unknown_rank = chance.random() < 0.05
    for field in chance.sample(sorted(VALUES), chance.choice([0, 1, 1, 2])):
        for value in chance.choices(VALUES[field], k=chance.choice([1, 1, 2, 100])):
            holder = getattr(proto, field)
            holder.add() if isinstance(value, dict) else holder.append(value)
    if chance.random() < 0.3:
        proto.tensor_content = chance.randbytes(chance.choice([1, 2, 4, 8, 4000]))
    return proto


def spec(chance: random.Random, wanted: Any) -> None:
    wanted.name, wanted.signature_name = chance.choice(MODELS), chance.choice(SIGNATURES)
    if chance.random() < 0.2:
        wanted.version.value = chance.choice([-1, 0, 1, 2, 2**63 - 1])
    elif chance.random() < 0.1:
        wanted.version_label = chance.choice(["stable", "x", "'; --"])


def examples(chance: random.Random, wanted: Input) -> None:
    listed = wanted.example_list_with_context if chance.random() < 0.3 else wanted.example_list
    for _ in range(chance.choice([0, 1, 3, 50])):
        feature = listed.examples.add().features.feature[chance.choice(["x", "y", ""])]
        feature.float_list.value.extend([1.0] * chance.choice([0, 1, 2]))
        if chance.random() < 0.2:
            feature.bytes_list.value.append(chance.randbytes(9))
    if chance.random() < 0.3:
        context = wanted.example_list_with_context.context
        context.features.feature["x"].float_list.value.extend([2.0] * 1000)


def call(chance: random.Random) -> tuple[str, str, Any]:
    """Any call: its service, its method and its request."""
    method = chance.choice(
        ["Predict"] * 6 + ["Classify", "Regress", "MultiInference"] * 2 + ["M", "S"]
    )
    if method == "Predict" and chance.random() < 0.5:
        wanted = request(chance.choice(sorted(RIGHT)))
        for name, dtype in RIGHT[wanted.model_spec.name].items():
            wanted.inputs[name].CopyFrom(tensor(chance, dtype))
        return "PredictionService", method, wanted
    if method == "Predict":
        wanted = PredictRequest(
            output_filter=chance.choices(["x", "y", "e", "sum:0"], k=chance.choice([0, 0, 1, 2]))
        )
        for name in chance.sample(INPUTS, chance.choice([0, 1, 1, 2, 3])):
            wanted.inputs[name].CopyFrom(tensor(chance))
    elif method in ("Classify", "Regress"):
        wanted = ClassificationRequest() if method == "Classify" else RegressionRequest()
        examples(chance, wanted.input)
    elif method == "MultiInference":
        wanted = MultiInferenceRequest()
        for _ in range(chance.choice([0, 1, 2, 20])):
            task = wanted.tasks.add(
                method_name=f"tensorflow/serving/{chance.choice(['regress', 'classify', '?'])}"
            )
            spec(chance, task.model_spec)
        examples(chance, wanted.input)
        return "PredictionService", method, wanted
    elif method == "M":
        wanted = GetModelMetadataRequest(
            metadata_field=chance.choice([["signature_def"], [], ["?"]])
        )
        spec(chance, wanted.model_spec)
        return "PredictionService", "GetModelMetadata", wanted
    else:
        wanted = GetModelStatusRequest()
        spec(chance, wanted.model_spec)
        return "ModelService", "GetModelStatus", wanted
    spec(chance, wanted.model_spec)
    return "PredictionService", method, wanted


def mutate(chance: random.Random, data: bytes) -> bytes:
    """Changes, adds and takes away bytes, now and then."""
    changed = bytearray(data)
    for _ in range(chance.choice([0, 0, 1, 3])):
        if not changed:
            break
        place = chance.randrange(len(changed))
        match chance.randrange(3):
            case 0:
                changed[place] = chance.randrange(256)
            case 1:
                changed[place:place] = chance.randbytes(chance.choice([1, 4, 30]))
            case _:
                del changed[place : place + chance.choice([1, 4, 30])]
    return bytes(changed)


@pytest.mark.fuzz
def test_any_message(model_server: Server) -> None:
    chance, codes = random.Random(20), set()
    with flat_memory(model_server, 300 * MIB):
        for _ in range(cases(2000)):
            service, method, wanted = call(chance)
            data = mutate(chance, wanted.SerializeToString())
            codes.add(ask(model_server, method, data, service))
    assert {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"} <= codes


def value(chance: random.Random, depth: int = 0) -> Any:
    """Any value of JSON; shallow most of the time."""
    scalars: list[Any] = [
        None, True, 0, 1, -1, 2**70, 1.5, 1e300, float("nan"), float("inf"), "", "x", "\ud800", "ä",
        {"b64": base64.b64encode(b"\xff" * 5).decode()}, {"b64": "?"}, {"b64": 1}, {},
    ]  # fmt: skip
    if depth > 4 or chance.random() < 0.5:
        return chance.choice(scalars)
    inner = [value(chance, depth + 1) for _ in range(chance.choice([0, 1, 2, 3]))]
    if chance.random() < 0.7:
        return inner * chance.choice([1, 1, 2, 1 if depth else 100])
    return {chance.choice(INPUTS): value for value in inner}


def document(chance: random.Random) -> bytes:
    """Any body: JSON that is perhaps a request, or nearly JSON."""
    kind = chance.random()
    if kind < 0.1:
        return chance.choice([b"[", b'{"instances":', b'{"a":{']) * chance.choice([1, 900, 5000])
    made: dict[str, Any] = {}
    for key in chance.sample(
        ["instances", "inputs", "examples", "context"], chance.choice([1, 1, 2])
    ):
        made[key] = value(chance) if kind < 0.5 else [value(chance), value(chance)]
    if chance.random() < 0.5:
        made["signature_name"] = chance.choice([*SIGNATURES, 1, None])
    text = json.dumps(made, ensure_ascii=chance.random() < 0.5)
    return mutate(chance, text.encode("utf-8", "surrogatepass"))


@pytest.mark.fuzz
def test_any_body(model_server: Server) -> None:
    chance, statuses = random.Random(21), set()
    tails = [":predict"] * 6 + [":classify", ":regress", "/versions/1:predict", "/labels/x:predict"]
    with flat_memory(model_server, 300 * MIB):
        for _ in range(cases(2000)):
            model = chance.choice(
                ["half", "texts", "mixed", "halves", "half_plus_two", "tf1", "no"]
            )
            path = f"/v1/models/{model}{chance.choice(tails)}"
            headers = {"Content-Encoding": "gzip"} if chance.random() < 0.02 else {}
            status, answer = post(model_server, path, document(chance), **headers)
            statuses.add(status)
            if status != 200:
                assert json.loads(answer).keys() == {"error"}
    assert {200, 400, 404} <= statuses
