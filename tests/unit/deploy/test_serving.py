"""The manifests of serving: valid, safe, and with flags and probes that do what they are for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import urllib3
import yaml
from google.protobuf import text_format
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.serving.gateway.rest_front import DRAIN_SECONDS
from evergreen.serving.gateway.server import COPIES
from evergreen.serving.model_server import config, flags
from evergreen.serving.model_server.options import Options
from evergreen.settings import load_settings
from tests.unit.serving.model_server import saved
from tests.unit.serving.model_server.running import free_port, server

ROOT = Path(__file__).parents[3]
SERVING = ROOT / "deploy/kubernetes/serving"
KSERVE = ROOT / "deploy/kubernetes/kserve/inference-service.yaml"
SCRAPE = ROOT / "deploy/prometheus/scrape.yaml"
COMPOSE = ROOT / "deploy/compose/serving.yaml"
BENCHMARKS = (ROOT / "docs/benchmarks.md").read_text()
VERSION = "1.31"
OF_KSERVE = {
    "predictor": {"minReplicas", "maxReplicas", "model", "canaryTrafficPercent"},
    "model": {"modelFormat", "runtimeVersion", "storageUri"},
}
"""Fields that KServe's v1beta1 API adds to a pod and to a container; the others are Kubernetes'."""

Document = dict[str, Any]


def documents() -> Iterator[Document]:
    for file in sorted(SERVING.glob("*.yaml")):
        if file.name != "kustomization.yaml":
            yield from yaml.safe_load_all(file.read_text())


def manifest(kind: str, name: str) -> Document:
    [found] = [d for d in documents() if d["kind"] == kind and d["metadata"]["name"] == name]
    return found


def pod(name: str) -> Document:
    return manifest("Deployment", name)["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    "document",
    documents(),
    ids=lambda document: f"{document['kind']}-{document['metadata']['name']}",
)
def test_manifests_are_valid(document: Document) -> None:
    kubernetes_validate.validate(document, VERSION, strict=True)


def test_the_inference_service_is_a_pod_with_kserves_own_fields() -> None:
    service = yaml.safe_load(KSERVE.read_text())
    predictor = service["spec"]["predictor"]
    container = {k: v for k, v in predictor["model"].items() if k not in OF_KSERVE["model"]}
    spec = {k: v for k, v in predictor.items() if k not in OF_KSERVE["predictor"]}
    spec["containers"] = [container | {"name": "model", "image": "tensorflow/serving"}]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": service["metadata"], "spec": spec}
    kubernetes_validate.validate(pod, VERSION, strict=True)
    assert service["spec"]["predictor"]["model"]["securityContext"]["readOnlyRootFilesystem"]
    assert service["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Knative"


def test_the_server_is_of_tensorflows_version() -> None:
    lock = (ROOT / "requirements/runtime.txt").read_text()
    [version] = re.findall(r"^tensorflow==(\S+)", lock, re.MULTILINE)
    images = yaml.safe_load((SERVING / "kustomization.yaml").read_text())["images"]
    tags = {image["name"]: image["newTag"] for image in images}
    compose = yaml.safe_load(COMPOSE.read_text())["services"]["tensorflow-serving"]
    kserve = yaml.safe_load(KSERVE.read_text())["spec"]["predictor"]["model"]
    assert tags["tensorflow/serving"] == version
    assert compose["image"].endswith(f"tensorflow/serving:{version}")
    assert kserve["runtimeVersion"] == version


@pytest.mark.parametrize("name", ["tensorflow-serving", "gateway"])
def test_nothing_runs_as_root_or_without_a_limit(name: str) -> None:
    assert pod(name)["securityContext"]["runAsNonRoot"] is True
    for container in pod(name)["containers"]:
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
        assert container["readinessProbe"]


def test_the_gateway_sees_of_the_volume_what_it_writes_and_nothing_else() -> None:
    [container] = pod("gateway")["containers"]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert mounts.pop("tmp")
    volume = mounts.pop("evergreen")
    log = load_settings(ROOT, ["kubeflow"]).gateway.log.folder
    assert (volume["mountPath"], volume["subPath"]) == (str(log.parent), log.parent.name)
    assert all(mount["readOnly"] for mount in mounts.values())
    [keys] = [volume["secret"] for volume in pod("gateway")["volumes"] if "secret" in volume]
    assert not keys["defaultMode"] & 0o007
    [serves] = pod("tensorflow-serving")["containers"]
    assert all(mount["readOnly"] for mount in serves["volumeMounts"])


@pytest.mark.parametrize(("name", "needs"), [("tensorflow-serving", 0), ("gateway", DRAIN_SECONDS)])
def test_a_pod_waits_until_no_client_is_sent_to_it(name: str, needs: float) -> None:
    [container] = pod(name)["containers"]
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "10"]
    assert pod(name).get("terminationGracePeriodSeconds", 30) >= 10 + needs


def test_the_gateway_has_the_memory_that_it_may_take() -> None:
    """Its own as measured, and its registry's process; copies of requests; the log's queue."""
    [own] = re.findall(r"^\| evergreen gateway \|.*\| (\d+) \| [^|]* \|$", BENCHMARKS, re.MULTILINE)
    gateway = load_settings(ROOT, ["kubeflow"]).gateway
    most = 2 * int(own) + COPIES * gateway.max_in_flight_mb + gateway.log.queue_mb
    [container] = pod("gateway")["containers"]
    assert container["resources"]["limits"]["memory"] == "1536Mi"
    assert most < 1536


def test_prometheus_reads_the_metrics_of_a_gateway_with_keys() -> None:
    """That the gateway takes a key in this form, and no other answer, is tested with it."""
    [job] = yaml.safe_load(SCRAPE.read_text())["scrape_configs"]
    [container] = pod("gateway")["containers"]
    assert any("gateway.api_keys" in argument for argument in container["args"])
    assert job["authorization"]["type"] == "Bearer"
    app, port = job["relabel_configs"][0]["regex"].split(";")
    labels = manifest("Deployment", "gateway")["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == app
    assert port in {port["name"] for port in container["ports"]}
    [_, prometheus] = manifest("NetworkPolicy", "tensorflow-serving")["spec"]["ingress"]
    annotations = manifest("Deployment", "tensorflow-serving")["spec"]["template"]["metadata"]
    scraped = int(annotations["annotations"]["prometheus.io/port"])
    assert prometheus["ports"] == [{"port": scraped, "protocol": "TCP"}]


def test_a_host_has_it_on_its_own_address_only_and_not_as_root() -> None:
    compose = yaml.safe_load(COMPOSE.read_text())
    service = compose["services"]["tensorflow-serving"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert all(volume.endswith(":ro") for volume in service["volumes"])
    models = text_format.Parse(compose["configs"]["models"]["content"], ModelServerConfig())
    [model] = models.model_config_list.config
    assert model.base_path == service["volumes"][0].split(":")[1]
    flags.parse(service["command"])
    batching = (COMPOSE.parent / compose["configs"]["batching"]["file"]).resolve()
    assert batching == SERVING / "batching.config"


def test_the_configs_of_the_server_are_read() -> None:
    batching = Options(
        enable_batching=True, batching_parameters_file=str(SERVING / "batching.config")
    )
    assert config.batching(batching).max_batch_size == 64
    path = config.metrics_path(Options(monitoring_config_file=str(SERVING / "monitoring.config")))
    annotations = manifest("Deployment", "tensorflow-serving")["spec"]["template"]["metadata"]
    assert path == annotations["annotations"]["prometheus.io/path"]


def test_the_pod_is_ready_only_while_the_serving_version_is_loaded(tmp_path: Path) -> None:
    """The embedded server with the pod's own flags, but for folders, ports and the interval."""
    [container] = pod("tensorflow-serving")["containers"]
    probe, port = container["readinessProbe"]["httpGet"]["path"], free_port()
    models = tmp_path / "models.config"
    saved.save_half_plus(tmp_path / "taxi", 1)
    broken = tmp_path / "taxi/2"
    broken.mkdir()
    (broken / "saved_model.pb").write_bytes(b"no model")
    write_models(models, tmp_path, 1)

    def is_ready() -> bool:
        url = f"http://127.0.0.1:{port}{probe}"
        return urllib3.request("GET", url, retries=False).status == 200

    given = [flag.replace("/etc/serving/config", str(SERVING)) for flag in container["args"]]
    given = [flag.replace("/etc/serving/models", str(tmp_path)) for flag in given]
    given = [flag for flag in given if not flag.startswith(("--port", "--rest_api_port"))]
    own = [f"--rest_api_port={port}", "--model_config_file_poll_wait_seconds=1"]
    with server(*given, *own, log=tmp_path / "log"):
        until(is_ready)
        write_models(models, tmp_path, 2)  # as the registry would, if its version were broken
        until(lambda: not is_ready())
        write_models(models, tmp_path, 1)
        until(is_ready)


def until(check: Any) -> None:
    is_no = retry_if_result(lambda found: not found)
    Retrying(retry=is_no, stop=stop_after_delay(60), wait=wait_fixed(0.1))(check)


def write_models(file: Path, folder: Path, version: int) -> None:
    found = ModelServerConfig()
    model = found.model_config_list.config.add(
        name="taxi",
        base_path=f"{folder}/taxi",
        model_platform="tensorflow",
        version_labels={"serving": version},
    )
    model.model_version_policy.specific.versions.append(version)
    new = file.with_suffix(".new")
    new.write_text(text_format.MessageToString(found))
    new.replace(file)
