"""Versions come and go as folder and configuration say; there is always one that answers."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from grpc_health.v1.health_pb2 import HealthCheckRequest
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.serving.model_server.core import inference
from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.core.manager import Manager
from evergreen.serving.model_server.grpc_front.health import NOT_SERVING, SERVING, Health
from evergreen.serving.model_server.metrics import Metrics
from evergreen.serving.model_server.options import Options
from tests.unit.serving.model_server import saved

pytestmark = pytest.mark.asyncio

ONCE = Options(file_system_poll_wait_seconds=0, max_num_load_retries=0)
State = ModelVersionStatus.State


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three versions of half plus n."""
    folder = tmp_path_factory.mktemp("versions")
    for version in (1, 2, 3):
        saved.save_half_plus(folder, version)
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "half").mkdir()
    return tmp_path / "half"


@asynccontextmanager
async def serving(config: ModelServerConfig, options: Options = ONCE) -> AsyncIterator[Manager]:
    manager = Manager(options, None, Metrics())
    try:
        await manager.reload(config)
        yield manager
    finally:
        await manager.close()


def half(base: Path, policy: str = "", **labels: int) -> ModelServerConfig:
    """The configuration of one model."""
    config = ModelServerConfig()
    model = config.model_config_list.config.add(
        name="half", base_path=str(base), model_platform="tensorflow", version_labels=labels
    )
    text_format.Parse(policy, model.model_version_policy)
    return config


def specific(*versions: int) -> str:
    return "specific {" + " ".join(f"versions: {version}" for version in versions) + "}"


def spec(version: int | None = None, label: str = "", name: str = "half") -> ModelSpec:
    found = ModelSpec(name=name)
    if version is not None:
        found.version.value = version
    if label:
        found.version_label = label
    return found


async def answer(manager: Manager, model: ModelSpec) -> int:
    """The version that answers, by its own words."""
    with manager.use(model) as servable:
        outputs = await servable.run("", {"x": np.zeros(1, np.float32)}, ["y"])
        assert outputs["y"].tolist() == [servable.version]
        return servable.version


def states(manager: Manager) -> dict[int, str]:
    return {status.version: State.Name(status.state) for status in manager.status(spec())}


async def until(manager: Manager, condition: Callable[[], bool]) -> None:
    while not condition():
        await manager.change.wait()


async def test_the_latest_version_is_served(versions: Path) -> None:
    async with serving(half(versions)) as manager:
        assert states(manager) == {3: "AVAILABLE"}
        assert await answer(manager, spec()) == 3
        assert await answer(manager, spec(3)) == 3


async def test_all_or_some_versions_are_served(versions: Path) -> None:
    async with serving(half(versions, "all {}")) as manager:
        await until(manager, lambda: set(states(manager).values()) == {"AVAILABLE"})
        assert [await answer(manager, spec(version)) for version in (1, 2, 3)] == [1, 2, 3]
        await manager.reload(half(versions, specific(1)))
        await until(manager, lambda: states(manager) == {3: "END", 2: "END", 1: "AVAILABLE"})
        assert await answer(manager, spec()) == 1


@pytest.mark.parametrize(
    ("wanted", "code", "message"),
    [
        (spec(name="none"), "NOT_FOUND", "Servable not found for request: Latest(none)"),
        (spec(7, name="none"), "NOT_FOUND", "Servable not found for request: Specific(none, 7)"),
        (spec(7), "NOT_FOUND", "Servable not found for request: Specific(half, 7)"),
        (spec(label="canary"), "INVALID_ARGUMENT", "Unrecognized servable version label: canary"),
        (ModelSpec(), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    ],
)
async def test_what_is_not_served_is_said(
    versions: Path, wanted: ModelSpec, code: str, message: str
) -> None:
    async with serving(half(versions)) as manager:
        with pytest.raises(ServingError) as refused, manager.use(wanted):
            pass
        assert (refused.value.code.name, refused.value.message) == (code, message)


async def test_a_new_version_takes_over_and_the_old_one_goes(versions: Path, base: Path) -> None:
    shutil.copytree(versions / "1", base / "1")
    async with serving(half(base)) as manager:
        shutil.copytree(versions / "2", base / "2")
        await manager.poll()
        assert await answer(manager, spec()) == 1  # until the new one is loaded
        await until(manager, lambda: states(manager) == {2: "AVAILABLE", 1: "END"})
        assert await answer(manager, spec()) == 2


async def test_the_folder_is_watched(versions: Path, base: Path) -> None:
    shutil.copytree(versions / "1", base / "1")
    async with serving(half(base), replace(ONCE, file_system_poll_wait_seconds=1)) as manager:
        watching = asyncio.create_task(manager.watch())
        shutil.copytree(versions / "3", base / "3")
        await until(manager, lambda: states(manager).get(3) == "AVAILABLE")
        watching.cancel()


async def test_a_wrong_path_at_the_start_keeps_nobody_from_the_models_beside_it(
    versions: Path, tmp_path: Path
) -> None:
    config = half(versions)
    config.model_config_list.config.add(
        name="typo", base_path=str(tmp_path / "typo"), model_platform="tensorflow"
    )
    manager = Manager(replace(ONCE, file_system_poll_wait_seconds=1), None, Metrics())
    health, watching = Health(), asyncio.create_task(manager.watch())
    reporting = asyncio.create_task(health.follow(manager))

    async def told(name: str) -> int:
        return (await health.Check(HealthCheckRequest(service=name), None)).status

    try:
        await manager.reload(config, at_start=True)
        assert await answer(manager, spec()) == 3
        await asyncio.sleep(0)
        told_at_first = [await told(name) for name in ("half", "typo", "")]
        assert told_at_first == [SERVING, NOT_SERVING, NOT_SERVING]
        with pytest.raises(ServingError, match="Could not find any versions of model typo"):
            manager.status(spec(name="typo"))
        shutil.copytree(versions / "1", tmp_path / "typo/1")
        await until(manager, lambda: not manager.awaited())
        await asyncio.sleep(0)
        assert [await told(name) for name in ("half", "typo", "")] == [SERVING] * 3
    finally:
        for task in (watching, reporting):
            task.cancel()
        await manager.close()


async def test_a_server_waits_for_its_only_model(versions: Path, base: Path) -> None:
    manager = Manager(replace(ONCE, file_system_poll_wait_seconds=1), None, Metrics())
    watching = asyncio.create_task(manager.watch())
    starting = asyncio.create_task(manager.reload(half(base), at_start=True))
    shutil.copytree(versions / "1", base / "1")
    await starting
    assert await answer(manager, spec()) == 1
    watching.cancel()
    await manager.close()


def truncate(version: Path) -> None:
    file = version / "saved_model.pb"
    file.write_bytes(file.read_bytes()[:-100])


def lose_variables(version: Path) -> None:
    shutil.rmtree(version / "variables")


def answer_nan(version: Path) -> None:
    saved.add_warmup(version, [float("nan"), 1.0])


def use_operation_of_an_add_on(version: Path) -> None:
    model = SavedModel.FromString((version / "saved_model.pb").read_bytes())
    functions = model.meta_graphs[0].graph_def.library.function
    node = next(
        node for function in functions for node in function.node_def if node.op == "RealDiv"
    )
    node.op = "SentencepieceOp"
    (version / "saved_model.pb").write_bytes(model.SerializeToString())


def use_operation_without_kernel(version: Path) -> None:
    model = SavedModel.FromString((version / "saved_model.pb").read_bytes())
    node = model.meta_graphs[0].graph_def.node.add(name="gone", op="BoostedTreesBucketize")
    node.attr["num_features"].i = 0
    for key in ("saved_model_main_op", "__saved_model_init_op"):
        signature = model.meta_graphs[0].signature_def[key]
        signature.outputs["__saved_model_init_op"].name = "gone"
    (version / "saved_model.pb").write_bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (
            use_operation_without_kernel,
            "^No OpKernel was registered to support Op 'BoostedTreesBucketize' in this server",
        ),
        (
            use_operation_of_an_add_on,
            "^Op type not registered 'SentencepieceOp' in this server.* Serve the model there",
        ),
        (truncate, "Can't parse .* as binary proto"),
        (lose_variables, "variables"),
        (answer_nan, "warm-up: output . of signature serving_default is NaN in 1 of 2 values"),
    ],
)
async def test_a_broken_version_is_not_served_and_the_old_one_goes_on(
    versions: Path, base: Path, harm: Callable[[Path], None], reason: str
) -> None:
    shutil.copytree(versions / "1", base / "1")
    async with serving(half(base)) as manager:
        shutil.copytree(versions / "2", base / ".2")
        harm(base / ".2")
        (base / ".2").rename(base / "2")
        await manager.poll()
        await until(manager, lambda: states(manager)[2] == "END")
        (status,) = manager.status(spec(2))
        assert status.status.error_code != 0
        assert re.search(reason, status.status.error_message)
        assert states(manager)[1] == "AVAILABLE"
        assert await answer(manager, spec()) == 1
        with pytest.raises(ServingError, match=r"Specific\(half, 2\)"), manager.use(spec(2)):
            pass


async def test_a_folder_without_a_model_is_no_version_yet(versions: Path, base: Path) -> None:
    shutil.copytree(versions / "1", base / "1")
    async with serving(half(base)) as manager:
        (base / "2").mkdir()
        shutil.copytree(versions / "2/variables", base / "2/variables")
        await manager.poll()
        assert states(manager) == {1: "AVAILABLE"}
        shutil.copyfile(versions / "2/saved_model.pb", base / "2/saved_model.pb")
        await manager.poll()
        await until(manager, lambda: states(manager) == {2: "AVAILABLE", 1: "END"})


async def test_loading_is_tried_again(versions: Path, base: Path) -> None:
    shutil.copytree(versions / "1", base / "1")
    saved_model = base / "1/saved_model.pb"
    content = saved_model.read_bytes()
    saved_model.write_bytes(content[:-100])
    options = replace(ONCE, max_num_load_retries=10**9, load_retry_interval_micros=-1)
    manager = Manager(options, None, Metrics())
    loading = asyncio.create_task(manager.reload(half(base)))
    while "fail" not in manager.metrics.text().decode():
        await asyncio.sleep(0)
    saved_model.write_bytes(content)
    await loading
    assert await answer(manager, spec()) == 1
    await manager.close()


async def test_a_model_that_cannot_be_loaded_at_first_is_an_error(base: Path) -> None:
    (base / "1").mkdir()
    (base / "1/saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(ServingError) as failed:
        async with serving(half(base)):
            pass
    assert failed.value.code is grpc.StatusCode.UNKNOWN
    assert failed.value.message.startswith(
        "1 servable(s) did not become available: {{{name: half version: 1} due to error: DATA_LOSS"
    )


async def test_tags_choose_the_graph(tmp_path: Path) -> None:
    saved.save_tf1(tmp_path)
    async with serving(half(tmp_path), replace(ONCE, saved_model_tags="gpu,serve")) as manager:
        with manager.use(spec()) as servable:
            inputs = {"x": np.ones(1, np.float32), "y": np.zeros(1, np.float32)}
            assert (await servable.run("", inputs))["result"].tolist() == [3]


async def test_labels_name_available_versions(versions: Path) -> None:
    async with serving(half(versions, specific(1, 2))) as manager:
        await until(manager, lambda: set(states(manager).values()) == {"AVAILABLE"})
        await manager.reload(half(versions, specific(1, 2), serving=1, canary=2))
        assert await answer(manager, spec(label="serving")) == 1
        assert await answer(manager, spec(label="canary")) == 2
        with pytest.raises(
            ServingError, match="assign label to version 3 of model half"
        ) as refused:
            await manager.reload(half(versions, specific(1, 2, 3), serving=1, canary=3))
        assert refused.value.code is grpc.StatusCode.FAILED_PRECONDITION
        assert await answer(manager, spec(label="canary")) == 2  # nothing has changed


async def test_new_labels_may_come_before_their_versions_if_allowed(versions: Path) -> None:
    allowed = replace(ONCE, allow_version_labels_for_unavailable_models=True)
    async with serving(half(versions, specific(1), serving=1), allowed) as manager:
        assert await answer(manager, spec(label="serving")) == 1
        with pytest.raises(ServingError, match="not currently available"):
            await manager.reload(half(versions, specific(1, 2), serving=2))
    forced = replace(ONCE, force_allow_any_version_labels_for_unavailable_models=True)
    async with serving(half(versions, specific(1), serving=1), forced) as manager:
        await manager.reload(half(versions, specific(2), serving=2))
        await until(manager, lambda: states(manager)[2] == "AVAILABLE")
        assert await answer(manager, spec(label="serving")) == 2


async def test_a_model_that_is_removed_ends_and_can_come_back(versions: Path) -> None:
    async with serving(half(versions)) as manager:
        empty = ModelServerConfig()
        empty.model_config_list.SetInParent()
        await manager.reload(empty)
        await until(manager, lambda: states(manager) == {3: "END"})
        with pytest.raises(ServingError, match=r"Latest\(half\)"), manager.use(spec()):
            pass
        await manager.reload(half(versions))
        assert await answer(manager, spec()) == 3


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"base_path": "/models/[v2]"}, r"takes for a pattern, because of \[\]"),
        ({"base_path": "relative"}, "half to have an absolute path or URI; got base_path"),
        ({"model_platform": "scikit-learn"}, "half requests unsupported platform scikit-learn"),
        ({"model_platform": ""}, "Illegal setting neither"),
        ({"name": "other"}, "Illegal to list model other multiple times"),
    ],
)
async def test_a_wrong_configuration_changes_nothing(
    versions: Path, change: dict[str, str], problem: str
) -> None:
    async with serving(half(versions)) as manager:
        config = half(versions)
        config.model_config_list.config.add(
            name="other", base_path="/x", model_platform="tensorflow"
        )
        for name, value in change.items():
            setattr(config.model_config_list.config[0], name, value)
        with pytest.raises(ServingError, match=problem):
            await manager.reload(config)
        assert manager.names() == ["half"]
        assert await answer(manager, spec()) == 3


async def test_a_version_in_use_is_not_unloaded(versions: Path, tmp_path: Path) -> None:
    saved.save_gate(tmp_path / "gate")
    fifos = tmp_path / "fifos"
    fifos.mkdir()
    for name in ("started", "let_go"):
        os.mkfifo(fifos / name)
    config = half(versions)
    config.model_config_list.config.add(
        name="gate", base_path=str(tmp_path / "gate"), model_platform="tensorflow"
    )
    gate = spec(name="gate")
    async with serving(config) as manager:

        async def wait() -> dict[str, np.ndarray]:
            with manager.use(gate) as servable:
                return await servable.run("", {"folder": np.array(bytes(fifos), object)})

        waiting = asyncio.create_task(wait())
        await asyncio.to_thread((fifos / "started").read_bytes)  # returns when it is written
        await manager.reload(half(versions))
        with pytest.raises(ServingError, match=r"Latest\(gate\)"), manager.use(gate):
            pass
        assert manager.status(gate)[0].state == ModelVersionStatus.UNLOADING
        assert await answer(manager, spec()) == 3  # other requests go on
        await asyncio.to_thread((fifos / "let_go").read_bytes)
        await waiting
        await until(manager, lambda: manager.status(gate)[0].state == ModelVersionStatus.END)


async def test_versions_are_swapped_under_load_and_no_request_fails(versions: Path) -> None:
    async with serving(half(versions, specific(1))) as manager:
        asked, stop = 0, asyncio.Event()

        async def client(label: str) -> None:
            nonlocal asked
            while not stop.is_set():
                assert await answer(manager, spec(label=label)) in (1, 2)
                asked += 1

        await manager.reload(half(versions, specific(1), serving=1))
        clients = [asyncio.create_task(client(label)) for label in ("serving", "", "serving", "")]
        for swap in range(50):
            old, new = swap % 2 + 1, (swap + 1) % 2 + 1
            await manager.reload(half(versions, specific(old, new), serving=old))
            await until(manager, lambda new=new: states(manager)[new] == "AVAILABLE")
            await manager.reload(half(versions, specific(new), serving=new))
            assert await answer(manager, spec(label="serving")) == new
            await until(manager, lambda old=old: states(manager)[old] == "END")
            assert await answer(manager, spec()) == new
        stop.set()
        await asyncio.gather(*clients)
        assert asked > 50


async def test_so_many_requests_run_at_a_time_as_a_flag_says(
    versions: Path, tmp_path: Path
) -> None:
    saved.save_gate(tmp_path / "gate")
    for name in ("started", "let_go"):
        os.mkfifo(tmp_path / name)
    config = half(versions)
    config.model_config_list.config.add(
        name="gate", base_path=str(tmp_path / "gate"), model_platform="tensorflow"
    )
    async with serving(config, replace(ONCE, grpc_max_threads=1)) as manager:
        with manager.use(spec(name="gate")) as servable:
            first = asyncio.ensure_future(
                servable.run("", {"folder": np.array(bytes(tmp_path), object)})
            )
            await asyncio.to_thread((tmp_path / "started").read_bytes)
            second = asyncio.ensure_future(answer(manager, spec()))
            await asyncio.sleep(0)
            assert not second.done()
            await asyncio.to_thread((tmp_path / "let_go").read_bytes)
            await first
            assert await second == 3


async def test_flags_of_loading_and_of_answers(versions: Path, base: Path) -> None:
    shutil.copytree(versions / "1", base / "1")
    saved.add_warmup(base / "1", [1.0])
    options = replace(
        ONCE,
        num_load_threads=2,
        num_request_iterations_for_warmup=3,
        tensorflow_session_parallelism=1,
        enable_serialization_as_tensor_content=True,
        enable_signature_method_name_check=True,
    )
    async with serving(half(base), options) as manager:
        assert 'runtime_latency_count{model_name="half",runtime="TF1"} 3.0' in (
            manager.metrics.text().decode()
        )
        request = PredictRequest(model_spec=spec())
        request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
        response = await inference.predict(manager, request)
        assert response.outputs["y"].tensor_content == np.float32(1.5).tobytes()
        classified = ClassificationRequest(model_spec=spec())
        classified.model_spec.signature_name = "classify"
        with pytest.raises(ServingError, match=r"^Expected classification signature method_name"):
            await inference.classify(manager, classified)
    without = replace(options, enable_model_warmup=False)
    async with serving(half(base), without) as manager:
        assert 'runtime="TF1"} 0.0' in manager.metrics.text().decode()


async def test_a_model_without_binary_is_read_as_text(versions: Path, base: Path) -> None:
    shutil.copytree(versions / "1", base / "1")
    model = SavedModel.FromString((base / "1/saved_model.pb").read_bytes())
    (base / "1/saved_model.pb").unlink()
    (base / "1/saved_model.pbtxt").write_text(text_format.MessageToString(model))
    async with serving(half(base)) as manager:
        assert await answer(manager, spec()) == 1
