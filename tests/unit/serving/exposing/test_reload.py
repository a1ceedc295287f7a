"""A server that refuses labels of versions that are not loaded, as TensorFlow Serving does."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.errors import EvergreenError
from evergreen.serving.exposing.reload import reload
from tests.unit.serving.model_server import saved
from tests.unit.serving.model_server.running import Server, free_port, request, server

SECONDS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("half")
    for version in (1, 2, 3):
        saved.save_half_plus(folder, version)
    return folder


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Server]:
    flags = ("--model_name=half", f"--model_base_path={folder}", "--max_num_load_retries=0")
    with server(*flags, log=folder / "log") as started:
        yield started


def config(folder: Path, **labels: int) -> ModelServerConfig:
    made = ModelServerConfig()
    model = made.model_config_list.config.add(
        name="half", base_path=str(folder), model_platform="tensorflow", version_labels=labels
    )
    model.model_version_policy.specific.versions.extend(sorted(set(labels.values())))
    return made


def states(running: Server) -> dict[int, str]:
    asked = GetModelStatusRequest()
    asked.model_spec.name = "half"
    answer = running.models.GetModelStatus(asked)
    return {one.version: one.State.Name(one.state) for one in answer.model_version_status}


def by_label(running: Server, label: str) -> int:
    asked = request("half", x=[0.0])
    asked.model_spec.version_label = label
    return int(running.predictions.Predict(asked, timeout=SECONDS).outputs["y"].float_val[0])


def test_versions_and_labels_change_and_no_request_fails(running: Server, folder: Path) -> None:
    reload(config(folder, serving=1), running.address, SECONDS)
    ended, answers = threading.Event(), []

    def ask() -> None:
        while not ended.is_set():
            answers.append(by_label(running, "serving"))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        reload(config(folder, serving=1, canary=2), running.address, SECONDS)
        assert by_label(running, "canary") == 2
        reload(config(folder, serving=2), running.address, SECONDS)
        assert by_label(running, "serving") == 2
        said = reload(config(folder, serving=1, canary=3), running.address, SECONDS)  # rolled back
    finally:
        ended.set()
        asking.join()
    assert said == (
        f"the model server at {running.address} serves version 3 as canary, version 1 as serving."
    )
    assert set(answers) == {1, 2}
    loaded = {version for version, state in states(running).items() if state == "AVAILABLE"}
    assert loaded == {1, 3}


def test_a_version_that_cannot_be_loaded_is_told_and_the_others_go_on(
    running: Server, folder: Path
) -> None:
    reload(config(folder, serving=1), running.address, SECONDS)
    (folder / "4").mkdir()
    (folder / "4/saved_model.pb").write_bytes(b"no model")
    with pytest.raises(EvergreenError, match="version 4 cannot be served") as refused:
        reload(config(folder, serving=1, canary=4), running.address, SECONDS)
    assert "evergreen archive 4" in refused.value.hint
    assert by_label(running, "serving") == 1


def test_without_a_server_nothing_is_lost(folder: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    said = reload(config(folder, serving=1), address, SECONDS)
    assert said == (
        f"no model server answers at {address}; once started, it serves version 1 as serving."
    )


def test_what_a_server_refuses_is_told(running: Server, folder: Path) -> None:
    wrong = config(folder, serving=1)
    wrong.model_config_list.config[0].base_path = "relative"
    with pytest.raises(EvergreenError, match="refuses"):
        reload(wrong, running.address, SECONDS)
