"""Pusher publishes a blessed model under the planned version, and nothing else."""

import json
from pathlib import Path

import pytest
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.utils import proto_utils

from evergreen.components.pusher import Executor
from evergreen.errors import EvergreenError


class Push:
    """One execution of Pusher, and the folders it works on."""

    def __init__(self, folder: Path) -> None:
        self.serving = folder / "serving" / "taxi"
        self.model = standard_artifacts.Model()
        self.model.uri = str(folder / "model")
        self.saved = folder / "model" / "Format-Serving"
        (self.saved / "variables").mkdir(parents=True)
        (self.saved / "saved_model.pb").write_bytes(b"graph")
        (self.saved / "variables" / "index").write_bytes(b"weights")
        self._receipts = folder / "receipts"

    def __call__(
        self, version: int, *, blessed: bool = True, train_key: str = "key"
    ) -> standard_artifacts.PushedModel:
        blessing = standard_artifacts.ModelBlessing()
        blessing.set_int_custom_property("blessed", int(blessed))
        pushed = standard_artifacts.PushedModel()
        self._receipts.mkdir(exist_ok=True)
        pushed.uri = str(self._receipts)
        destination = pusher_pb2.PushDestination.Filesystem(base_directory=str(self.serving))
        Executor().Do(
            {specs.MODEL_KEY: [self.model], specs.MODEL_BLESSING_KEY: [blessing]},
            {specs.PUSHED_MODEL_KEY: [pushed]},
            {
                specs.PUSH_DESTINATION_KEY: proto_utils.proto_to_json(
                    pusher_pb2.PushDestination(filesystem=destination)
                ),
                specs.CUSTOM_CONFIG_KEY: json.dumps(
                    {"model_version": version, "train_key": train_key}
                ),
            },
        )
        return pushed

    def served(self) -> dict[str, bytes]:
        files = [path for path in self.serving.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.serving)): path.read_bytes() for path in files}


@pytest.fixture
def push(tmp_path: Path) -> Push:
    return Push(tmp_path)


def test_a_blessed_model_is_pushed_under_the_planned_version(push: Push) -> None:
    pushed = push(version=7)
    assert push.served() == {
        "7/saved_model.pb": b"graph",
        "7/variables/index": b"weights",
        "7/assets.extra/evergreen.json": b'{"train_key": "key"}',
    }
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == str(push.serving / "7")
    assert pushed.get_string_custom_property("pushed_version") == "7"


def test_a_model_that_is_not_blessed_leaves_no_trace(push: Push) -> None:
    pushed = push(version=7, blessed=False)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not push.serving.exists()


def test_a_model_of_the_same_training_is_no_second_version(push: Push) -> None:
    push(version=7)
    before = push.served()
    (push.saved / "saved_model.pb").write_bytes(b"the same graph, with another random id")
    assert push(version=7).get_int_custom_property("pushed") == 1
    assert push.served() == before


def test_a_version_of_another_training_is_an_error_and_left_alone(push: Push) -> None:
    push(version=7)
    before = push.served()
    with pytest.raises(EvergreenError, match="7: exists already, and was not made by") as refusal:
        push(version=7, train_key="another")
    assert "Move the folder away" in refusal.value.hint
    assert push.served() == before


def test_a_version_without_a_receipt_is_left_alone(push: Push) -> None:
    (push.serving / "7").mkdir(parents=True)
    (push.serving / "7" / "saved_model.pb").write_bytes(b"somebody's")
    with pytest.raises(EvergreenError, match="exists already"):
        push(version=7)
    assert push.served() == {"7/saved_model.pb": b"somebody's"}
