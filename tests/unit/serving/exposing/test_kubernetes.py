"""Replicas in Kubernetes and KServe are told by the API, which is played by a small server."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.errors import EvergreenError
from evergreen.serving.exposing import config_map, kserve
from evergreen.settings.exposure import ByConfigMap, ByKServe
from tests.unit.serving.exposing.test_reload import config

WHERE = {"namespace": "evergreen", "name": "serving-models"}
MERGE = "application/merge-patch+json"


@dataclass
class Cluster:
    """What the API was asked; what does not exist is 404."""

    kubeconfig: Path
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    there: dict[str, Any] = field(default_factory=dict)
    conflicts: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        if "missing" in request.path:
            return web.json_response({"reason": "NotFound"}, status=404, reason="Not Found")
        if request.method == "GET":
            return web.json_response(self.there)
        kind = request.headers["Content-Type"]
        self.asked.append((f"{request.method} {request.path}", kind, await request.json()))
        if self.conflicts:
            self.conflicts -= 1
            return web.json_response({"reason": "Conflict"}, status=409, reason="Conflict")
        return web.json_response({})


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "kubeconfig")
    loop, started = asyncio.new_event_loop(), threading.Event()

    async def start() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", cluster.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        write_kubeconfig(cluster.kubeconfig, runner.addresses[0][1])
        started.set()

    loop.create_task(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    started.wait()
    yield cluster
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def write_kubeconfig(path: Path, port: int) -> None:
    named = {"cluster": "here", "user": "me"}
    server = {"server": f"http://127.0.0.1:{port}"}
    path.write_text(
        json.dumps(
            {
                "current-context": "here",
                "contexts": [{"name": "here", "context": named}],
                "clusters": [{"name": "here", "cluster": server}],
                "users": [{"name": "me", "user": {"token": "a token"}}],
            }
        )
    )


def by_config_map(cluster: Cluster, **changes: Any) -> ByConfigMap:
    values = WHERE | {"by": "config_map", "kubeconfig": cluster.kubeconfig}
    return ByConfigMap(**(values | changes))


def test_the_file_that_replicas_poll_is_replaced(cluster: Cluster, tmp_path: Path) -> None:
    wanted = config(tmp_path, serving=1, canary=2)
    config_map.write(wanted, by_config_map(cluster))
    [(what, _, body)] = cluster.asked
    assert what == "PATCH /api/v1/namespaces/evergreen/configmaps/serving-models"
    assert text_format.Parse(body["data"]["models.config"], ModelServerConfig()) == wanted


def test_models_of_others_stay_in_the_file(cluster: Cluster, tmp_path: Path) -> None:
    """Somebody else changes it meanwhile: it is read again."""
    there = config(tmp_path, serving=1)
    there.model_config_list.config.add(name="others", base_path="/others")
    cluster.there = {
        "metadata": {"name": "serving-models", "resourceVersion": "7"},
        "data": {"models.config": text_format.MessageToString(there)},
    }
    cluster.conflicts = 1
    said = config_map.write(config(tmp_path, serving=2), by_config_map(cluster))
    assert "others" in said
    assert len(cluster.asked) == 2
    _, _, body = cluster.asked[-1]
    assert body["metadata"] == {"resourceVersion": "7"}
    written = text_format.Parse(body["data"]["models.config"], ModelServerConfig())
    versions = {
        config.name: list(config.model_version_policy.specific.versions)
        for config in written.model_config_list.config
    }
    assert versions == {"others": [], "half": [2]}


@pytest.mark.parametrize(
    "text",
    ["no configuration", 'model_config_list { config { name: "half" base_path: "/theirs" } }'],
)
def test_a_file_that_is_not_ours_is_left(cluster: Cluster, tmp_path: Path, text: str) -> None:
    cluster.there = {"data": {"models.config": text}}
    with pytest.raises(EvergreenError, match="Nothing was changed"):
        config_map.write(config(tmp_path, serving=1), by_config_map(cluster))
    assert cluster.asked == []


def test_an_inference_service_of_others_is_left(cluster: Cluster, tmp_path: Path) -> None:
    args = ["--model_config_file=/theirs/configs/1.config"]
    cluster.there = {"spec": {"predictor": {"model": {"args": args}}}}
    settings = ByKServe(by="kserve", kubeconfig=cluster.kubeconfig, canary_percent=20, **WHERE)
    with pytest.raises(EvergreenError, match="not this project's"):
        kserve.patch(config(Path("/mnt/models"), serving=1), settings, tmp_path)
    assert cluster.asked == []


def test_an_object_that_is_not_there_is_told(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(EvergreenError, match="missing in namespace evergreen: 404") as refused:
        config_map.write(config(tmp_path, serving=1), by_config_map(cluster, name="missing"))
    assert "evergreen expose" in refused.value.hint


def test_no_cluster_is_told(cluster: Cluster, tmp_path: Path) -> None:
    nowhere = by_config_map(cluster, kubeconfig=tmp_path / "none")
    with pytest.raises(EvergreenError, match="no Kubernetes cluster"):
        config_map.write(config(tmp_path, serving=1), nowhere)
    write_kubeconfig(cluster.kubeconfig, 1)
    with pytest.raises(EvergreenError, match="does not answer"):
        config_map.write(config(tmp_path, serving=1), by_config_map(cluster))


def test_kserve_gives_a_canary_its_share_and_then_all(cluster: Cluster, tmp_path: Path) -> None:
    settings = ByKServe(by="kserve", kubeconfig=cluster.kubeconfig, canary_percent=20, **WHERE)
    steps = [{"serving": 1, "canary": 2}, {"serving": 2}]
    for labels in steps:
        seen_there = config(Path("/mnt/models"), **labels)
        kserve.patch(seen_there, settings, tmp_path)
    path = "/apis/serving.kserve.io/v1beta1/namespaces/evergreen/inferenceservices/serving-models"
    args = ["--model_config_file=/mnt/models/configs/2.config"]
    for percent, (what, kind, body) in zip((20, None), cluster.asked, strict=True):
        assert what == f"PATCH {path}"
        assert kind == MERGE  # custom objects know no other patch of objects
        predictor = {"canaryTrafficPercent": percent, "model": {"args": args}}
        assert body == {"spec": {"predictor": predictor}}
    file = (tmp_path / "configs/2.config").read_text()
    [model] = text_format.Parse(file, ModelServerConfig()).model_config_list.config
    assert list(model.model_version_policy.specific.versions) == [2]
    assert model.base_path == "/mnt/models"
