"""A server that refuses labels of versions that are not loaded, as TensorFlow Serving does."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.errors import EvergreenError
from evergreen.serving.exposing import reload as module
from evergreen.settings.exposure import ByReload
from evergreen.settings.gateway import BackendSettings
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


def reload(wanted: ModelServerConfig, address: str, seconds: float, **settings: object) -> str:
    exposure = ByReload.model_validate({"by": "reload", "load_seconds": seconds} | settings)
    return module.reload(wanted, BackendSettings(grpc=address), exposure)


def states(running: Server) -> dict[int, str]:
    asked = GetModelStatusRequest()
    asked.model_spec.name = "half"
    answer = running.models.GetModelStatus(asked)
    return {
        status.version: status.State.Name(status.state) for status in answer.model_version_status
    }


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


def test_a_server_that_is_named_and_does_not_answer_is_an_error(folder: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(EvergreenError, match=f"no model server answers at {address}") as refused:
        reload(config(folder, serving=1), address, SECONDS)
    assert "once started, it serves version 1 as serving" in str(refused.value)
    assert "gateway.backend.grpc" in refused.value.hint


def test_without_a_server_at_the_default_nothing_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setattr(module, "DEFAULT", address)
    said = reload(config(folder, serving=1), address, SECONDS)
    assert said == (
        f"no model server answers at {address}; once started, it serves version 1 as serving."
    )


def served(running: Server) -> dict[str, list[int]]:
    call = running.channel.unary_unary(module.CONFIGS, None, ModelServerConfig.FromString)
    return {
        model.name: list(model.model_version_policy.specific.versions)
        for model in call(b"").model_config_list.config
    }


def other(folder: Path, version: int) -> ModelServerConfig:
    made = config(folder, serving=version)
    made.model_config_list.config[0].name = "other"
    return made


def test_models_of_others_are_served_on(running: Server, folder: Path) -> None:
    reload(config(folder, serving=1), running.address, SECONDS)
    said = reload(other(folder, 3), running.address, SECONDS)
    assert said.endswith("Beside it, as before: half.")
    reload(config(folder, serving=2), running.address, SECONDS)
    assert served(running) == {"half": [2], "other": [3]}
    assert by_label(running, "serving") == 2
    reload(config(folder, serving=1), running.address, SECONDS, alone=True)
    assert served(running) == {"half": [1]}


def test_a_model_of_the_same_name_and_another_folder_is_left(
    running: Server, folder: Path, tmp_path: Path
) -> None:
    reload(config(folder, serving=1), running.address, SECONDS)
    with pytest.raises(EvergreenError, match=f"from {folder}, and not from {tmp_path}") as refused:
        reload(config(tmp_path, serving=1), running.address, SECONDS)
    assert "gateway.backend.grpc" in refused.value.hint
    assert served(running) == {"half": [1]}


def test_a_server_that_does_not_tell_is_left_unless_its_file_tells(
    running: Server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As TensorFlow Serving, which has no such method."""
    reload(config(folder, serving=1), running.address, SECONDS, alone=True)
    before = served(running)
    file = tmp_path / "models.config"
    with monkeypatch.context() as patch:
        patch.setattr(module, "CONFIGS", "/no.such/Method")
        with pytest.raises(EvergreenError, match="does not tell") as refused:
            reload(config(folder, serving=2), running.address, SECONDS)
        assert "config_file" in refused.value.hint
        assert served_before(running, before)
        there = other(folder, 3)
        there.model_config_list.config[0].version_labels.clear()
        file.write_text(text_format.MessageToString(there))
        reload(config(folder, serving=2), running.address, SECONDS, config_file=file)
    assert served(running) == {"half": [2], "other": [3]}
    written = text_format.Parse(file.read_text(), ModelServerConfig())
    assert [model.name for model in written.model_config_list.config] == ["other", "half"]


def served_before(running: Server, before: dict[str, list[int]]) -> bool:
    return by_label(running, "serving") == before["half"][0]


PROXIES = ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy")


def test_no_proxy_stands_between(
    running: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        for text in (name, name.upper()):
            monkeypatch.setenv(text, "http://127.0.0.1:1")
    reload(config(folder, serving=2), running.address, SECONDS, alone=True)
    assert by_label(running, "serving") == 2


def test_what_a_server_refuses_is_told(running: Server, folder: Path) -> None:
    wrong = config(folder, serving=1)
    wrong.model_config_list.config[0].base_path = "relative"
    with pytest.raises(EvergreenError, match="refuses"):
        reload(wrong, running.address, SECONDS, alone=True)
