"""The compiled pipeline, compared as a whole. To accept a change: compile with --output to it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2

from evergreen.errors import EvergreenError
from evergreen.orchestrators.kubeflow.compiler import Overlays, compile_pipeline
from evergreen.settings import load_settings

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("kubeflow.yaml")
SPEC, PLATFORM = yaml.safe_load_all(GOLDEN.read_text())


def dags() -> Iterator[dict[str, Any]]:
    yield SPEC["root"]["dag"]
    yield from (component["dag"] for component in SPEC["components"].values() if "dag" in component)


def containers() -> dict[str, Any]:
    executors = SPEC["deploymentSpec"]["executors"]
    assert all(
        list(executor) == ["container"] for executor in executors.values()
    )  # and no resolvers
    return {
        name.removeprefix("exec-"): executor["container"] for name, executor in executors.items()
    }


def test_the_whole_document_is_compiled_byte_by_byte(tmp_path: Path) -> None:
    output = tmp_path / "pipeline.yaml"
    line = [sys.executable, "kubeflow_runner.py", "compile", "--output", str(output)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert output.read_bytes() == GOLDEN.read_bytes()


def test_kfps_own_parser_takes_it() -> None:
    loaded = components.load_component_from_text(GOLDEN.read_text())
    assert loaded.name == "taxi"
    spec = json_format.ParseDict(SPEC, pipeline_spec_pb2.PipelineSpec())
    assert spec.pipeline_info.name == "taxi"
    assert set(spec.root.input_definitions.parameters) == {
        "experiment", "hyperparameters", "pipeline_root", "reason", "requested_by", "run", "spans",
    }  # fmt: skip


def test_every_dependency_is_a_task_of_the_same_dag() -> None:
    for dag in dags():
        for task in dag["tasks"].values():
            assert set(task.get("dependentTasks", [])) <= set(dag["tasks"])


def test_each_node_is_launched_once_in_the_order_of_the_graph() -> None:
    arguments = {name: container["args"] for name, container in containers().items()}
    nodes = {
        name: option.split("=")[1].split(",")
        for name, given in arguments.items()
        for option in given
        if option.startswith(("--nodes=", "--gate="))
    }
    assert nodes["statistics-gen"][:3] == ["CuratedSchema", "ExampleGen", "StatisticsGen"]
    assert "--gate=DataGate" in arguments["transform"]
    assert nodes["transform"] == ["CuratedSchema", "Transform"]
    assert nodes["trainer"] == ["Trainer"]
    assert sorted(nodes["evaluator"]) == ["Evaluator", "ModelGate", "Pusher", "ServingValidator"]


def test_kfps_cache_is_off_and_every_task_is_retried() -> None:
    tasks = {name: task for dag in dags() for name, task in dag["tasks"].items()}
    assert {*containers()} <= {*tasks}
    for name in containers():
        assert not tasks[name]["cachingOptions"].get("enableCache")
        assert tasks[name]["retryPolicy"]["maxRetryCount"] == 2
        assert tasks[name]["retryPolicy"]["backoffDuration"] == "30s"


def test_containers_get_volume_resources_and_secrets_by_name() -> None:
    executors = PLATFORM["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for name, container in containers().items():
        given = executors[f"exec-{name}"]
        assert given["pvcMount"][0]["mountPath"] == "/mnt/evergreen"
        assert given["secretAsEnv"][0]["keyToEnv"][0]["envVar"] == "EVERGREEN_MYSQL_PASSWORD"
        assert given["securityContext"] == {"runAsNonRoot": True}
        assert container["resources"]["resourceMemoryLimit"]
    assert containers()["trainer"]["resources"]["resourceMemoryLimit"] == "8Gi"


def test_it_is_small_and_knows_nothing_of_this_machine() -> None:
    assert GOLDEN.stat().st_size < 100 * 1024
    assert str(ROOT) not in GOLDEN.read_text()


def test_what_the_settings_ask_for_reaches_the_file() -> None:
    trainer = (
        "kubeflow.nodes.Trainer={image: 'own:1', retries: 0, accelerator: {count: 2},"
        " node_selector: {pool: gpu}, tolerations: [{key: gpu, effect: NoSchedule}]}"
    )
    overrides = [trainer, "kubeflow.groups=[[Evaluator, ModelGate]]", "kubeflow.image=all:2"]
    settings = load_settings(ROOT, ["kubeflow"], overrides)
    text = compile_pipeline(settings, Overlays(["kubeflow"], overrides))
    assert compile_pipeline(settings, Overlays(["kubeflow"], overrides)) == text
    spec, platform = yaml.safe_load_all(text)
    executors = spec["deploymentSpec"]["executors"]
    container = executors["exec-trainer"]["container"]
    assert container["image"] == "own:1"
    assert "--own-image" in container["args"]
    assert container["resources"]["accelerator"]["resourceCount"] == "2"
    given = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-trainer"]
    assert given["nodeSelector"]["labels"] == {"pool": "gpu"}
    assert given["tolerations"][0]["key"] == "gpu"
    [condition] = [
        component for name, component in spec["components"].items() if "condition" in name
    ]
    assert "retryPolicy" not in condition["dag"]["tasks"]["trainer"]
    assert executors["exec-plan"]["container"]["image"] == "all:2"
    assert "--nodes=Evaluator,ModelGate" in executors["exec-evaluator"]["container"]["args"]


def test_an_overlay_that_is_not_in_the_image_is_refused() -> None:
    with pytest.raises(EvergreenError, match="the containers do not have it"):
        _ = Overlays(["/home/me/mine.yaml"]).options
