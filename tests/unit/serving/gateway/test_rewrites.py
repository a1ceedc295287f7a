"""A request gets a version, and is otherwise what it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.serving.gateway import rewrites
from evergreen.serving.protos import ClassificationRequest, MultiInferenceRequest, PredictRequest
from tests.fuzzing import fuzz
from tests.unit.serving.gateway.worlds import request


@fuzz(50)
@given(st.lists(st.floats(width=32, allow_nan=False), max_size=20), st.integers(1, 2**62))
def test_a_prediction_gets_the_version_and_nothing_else(x: list[float], version: int) -> None:
    before = request(x)
    before.model_spec.signature_name = "serving_default"
    before.output_filter.append("y")
    data = before.SerializeToString()
    assert rewrites.target(data) == ("half", True)
    after = PredictRequest.FromString(rewrites.with_version(data, version))
    before.model_spec.version.value = version
    assert after == before


def test_other_requests_get_it_in_the_same_way() -> None:
    asked = ClassificationRequest()
    asked.model_spec.name = "half"
    asked.input.example_list.examples.add()
    after = ClassificationRequest.FromString(rewrites.with_version(asked.SerializeToString(), 3))
    assert after.model_spec.version.value == 3
    assert len(after.input.example_list.examples) == 1


def test_each_task_of_a_multi_inference_gets_it() -> None:
    asked = MultiInferenceRequest()
    for method in ("regress", "classify"):
        asked.tasks.add(method_name=method).model_spec.name = "half"
    data = asked.SerializeToString()
    assert rewrites.common_target(data) == ("half", True)
    after = MultiInferenceRequest.FromString(rewrites.with_versions(data, 3))
    assert [task.model_spec.version.value for task in after.tasks] == [3, 3]
    asked.tasks[1].model_spec.version_label = "canary"
    assert rewrites.common_target(asked.SerializeToString()) == ("half", False)
    asked.tasks[1].model_spec.name = "other"
    assert rewrites.common_target(asked.SerializeToString()) == rewrites.UNKNOWN
    assert rewrites.common_target(b"") == rewrites.UNKNOWN


@pytest.mark.parametrize(
    "data",
    [
        request(version=1).SerializeToString(),
        request(version=0).SerializeToString(),
        request(label="canary").SerializeToString(),
        request(name="other").SerializeToString(),
        b"",
        b"\xff\xff\xff",
        request().SerializeToString()[:-1],
    ],
)
def test_what_names_a_version_or_is_no_request_of_ours_is_left_alone(data: bytes) -> None:
    assert rewrites.target(data) != ("half", True)


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/v1/models/half:predict", True),
        ("/V1/Models/half:Classify", True),
        ("/v1/models/h%61lf/metadata", True),
        ("/v1/models/half", False),
        ("/v1/models/half/versions/1:predict", False),
        ("/v1/models/half/labels/canary:predict", False),
        ("/v1/models/other:predict", False),
        ("/v1/models/half:predict/x", False),
    ],
)
def test_paths(path: str, ours: bool) -> None:
    parts = rewrites.open_path(path)
    assert (parts is not None and rewrites.path_model(path) == "half") == ours
    assert not ours or "".join(parts) == path
