"""Pushed versions before clients: bad canaries go by themselves, good ones come, and back again."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
from evergreen.lineage.store import open_store
from evergreen.serving.protos import PredictionServiceStub
from evergreen.settings import load_settings
from tests.e2e import serving_world as answers
from tests.e2e.conftest import EVERGREEN
from tests.e2e.serving_world import SECONDS, World, until
from tests.project import ROOT
from tests.unit.serving.model_server.running import free_port, request

OVERLAY = """
metadata: {{sqlite: {0}/metadata.sqlite}}
serving: {{base_path: {0}/serving}}
gateway:
  port: {1}
  rest_api_port: {2}
  poll_seconds: 0.2
  backend: {{grpc: "127.0.0.1:{3}", rest: "127.0.0.1:{4}"}}
  canary: {{steps: [50], hold_seconds: 0}}
  limits: {{latency_ratio: 2}}
  log: {{folder: {0}/predictions}}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Version 1 is serving; nothing runs yet."""
    folder = tmp_path_factory.mktemp("serving")
    overlay = folder / "here.yaml"
    overlay.write_text(OVERLAY.format(folder, *(free_port() for _ in range(4))))
    settings = load_settings(ROOT, [str(overlay)])

    def command(*words: str) -> list[str]:
        options = "--project", str(ROOT), "--config", str(overlay), "--use-case", "taxi"
        return [str(EVERGREEN), *words, *options]

    registry = Registry(open_store(settings.metadata), settings.model.name)
    with grpc.insecure_channel(f"127.0.0.1:{settings.gateway.port}") as channel:
        world = World(settings, registry, command, PredictionServiceStub(channel))
        world.push(1, answers.half_plus_one)
        yield world


@pytest.fixture(scope="module")
def serve(world: World) -> tuple[str, ...]:
    """The command of the model server."""
    backend = world.settings.gateway.backend
    port, rest_port = (address.rpartition(":")[2] for address in (backend.grpc, backend.rest))
    return ("serve", f"--port={port}", f"--rest_api_port={rest_port}")


@pytest.fixture(scope="module")
def running(world: World, serve: tuple[str, ...], tmp_path_factory) -> Iterator[World]:
    logs = tmp_path_factory.mktemp("logs")
    with (
        world.process(*serve, log=logs / "server.log") as world.server,
        world.process("gateway", log=logs / "gateway.log"),
    ):
        until(world.is_well)
        yield world


@pytest.mark.parametrize(
    ("version", "answer", "criterion"),
    [
        (2, answers.constant, "output distribution"),
        (3, answers.erroring, "error rate"),
        (4, answers.slow, "latency p95"),
    ],
)
def test_a_bad_canary_is_rolled_back_by_itself(
    running: World, version: int, answer: Callable, criterion: str
) -> None:
    running.push(version, answer)
    assert f"serves version {version} as canary, version 1 as serving" in running.run("expose")
    until(lambda: running.decided(version))
    assert running.stages()[version] is Stage.REJECTED
    until(lambda: running.healthz()["canary"] is None)
    assert set(running.flood()) == {1}
    log = running.run("models", "--log")
    assert f"rollback: version {version} is rejected  by gateway: worse in" in log
    assert f"    {criterion}: " in log
    row = re.compile(rf"\n *{version} +rejected +END +- ")
    until(lambda: row.search(running.run("models")))
    assert re.search(r"\n *1 +serving +AVAILABLE +100% ", running.run("models"))


def test_a_good_canary_is_promoted_by_itself_and_can_be_rolled_back(running: World) -> None:
    running.push(5, answers.half_plus_one)
    running.run("expose")
    until(lambda: running.decided(5))
    assert running.stages()[5] is Stage.SERVING
    until(lambda: running.healthz()["stable"] == 5)
    assert set(running.flood()) == {5}
    said = running.run("rollback", "--reason", "a test")
    assert "version 1 as serving" in said
    until(lambda: running.healthz()["stable"] == 1)
    assert set(running.flood()) == {1}


def test_a_killed_server_is_said_at_once_and_found_again(
    running: World, serve: tuple[str, ...], tmp_path: Path
) -> None:
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(running.flood, 2000)
        running.server.kill()
        running.server.wait()
        assert set(flood.result()) <= {0, 1}
    with pytest.raises(grpc.RpcError) as refused:
        running.stub.Predict(request(running.settings.model.name, x=[1.0]), timeout=SECONDS)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    until(lambda: not running.is_well())
    assert "no model server answers" in running.run("models")
    with running.process(*serve, log=tmp_path / "server.log"):
        until(running.is_well)
        until(lambda: set(running.flood()) == {1})
