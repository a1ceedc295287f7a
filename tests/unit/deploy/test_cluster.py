"""The manifests of the cluster: valid, without rights that nobody needs, without a secret."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from evergreen.lineage.mysql import COLLATION
from evergreen.monitoring.alerts import ADDRESS
from evergreen.settings import load_settings

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy/kubernetes"
OVERLAYS = ("dev", "staging", "production")
VERSION = "1.31"

Document = dict[str, Any]


def read(text: str) -> list[Document]:
    return [document for document in yaml.safe_load_all(text) if document]


def sources() -> list[Path]:
    """The manifests themselves, which can be checked where there is no kubectl."""
    folders = (FOLDER / "base", FOLDER / "components/mariadb")
    return [
        file for folder in folders for file in folder.glob("*.yaml") if "kustomiz" not in file.name
    ]


@pytest.fixture(scope="module", params=OVERLAYS)
def rendered(request: pytest.FixtureRequest) -> list[Document]:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed: overlays cannot be rendered")
    line = ["kubectl", "kustomize", FOLDER / "overlays" / request.param]
    return read(subprocess.run(line, check=True, capture_output=True, text=True).stdout)


def of_kind(documents: list[Document], kind: str) -> dict[str, Document]:
    return {
        document["metadata"]["name"]: document for document in documents if document["kind"] == kind
    }


def pods(documents: list[Document]) -> Iterator[Document]:
    for document in documents:
        if document["kind"] in ("Deployment", "StatefulSet"):
            yield document["spec"]["template"]["spec"]


@pytest.mark.parametrize("file", sources(), ids=lambda file: file.name)
def test_manifests_are_valid(file: Path) -> None:
    for document in read(file.read_text()):
        kubernetes_validate.validate(document, VERSION, strict=True)


def test_overlays_render_to_valid_manifests_of_one_namespace(rendered: list[Document]) -> None:
    [namespace] = of_kind(rendered, "Namespace")
    for document in rendered:
        kubernetes_validate.validate(document, VERSION, strict=True)
        assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == namespace


def test_no_secret_is_in_the_repository(rendered: list[Document]) -> None:
    assert not of_kind(rendered, "Secret")
    for pod in pods(rendered):
        for variable in pod["containers"][0]["env"]:
            if variable["name"].endswith("PASSWORD"):
                reference = variable["valueFrom"]["secretKeyRef"]
                assert reference["name"] == "evergreen-mysql"


def test_no_pod_runs_as_root_or_can_write_outside_of_its_volumes(rendered: list[Document]) -> None:
    for pod in pods(rendered):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] is True
            assert rights["allowPrivilegeEscalation"] is False
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]


def test_rights_name_single_objects_and_no_wildcard(rendered: list[Document]) -> None:
    assert not of_kind(rendered, "ClusterRole")
    for role in of_kind(rendered, "Role").values():
        for rule in role["rules"]:
            assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])
            assert rule.get("resourceNames") or "get" not in rule["verbs"]


def test_what_no_policy_names_may_not_speak(rendered: list[Document]) -> None:
    policies = of_kind(rendered, "NetworkPolicy")
    everything = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert policies["default-deny"]["spec"] == everything
    assert [policy for policy in policies.values() if "ingress" in policy["spec"]] == [
        policies["mariadb"]
    ]


def test_the_settings_in_the_cluster_load_and_fit_the_database(
    rendered: list[Document], tmp_path: Path
) -> None:
    [settings] = of_kind(rendered, "ConfigMap").values()
    file = tmp_path / "cluster.yaml"
    file.write_text(settings["data"]["cluster.yaml"])
    place = load_settings(ROOT, ["kubeflow", str(file)]).metadata.mysql
    [database] = of_kind(rendered, "StatefulSet").values()
    [container] = database["spec"]["template"]["spec"]["containers"]
    given = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert place.host in of_kind(rendered, "Service")
    assert (place.database, place.user) == (given["MARIADB_DATABASE"], given["MARIADB_USER"])
    assert f"--collation-server={COLLATION}" in container["args"]


def test_every_pod_shares_one_volume_and_one_version(rendered: list[Document]) -> None:
    volume = of_kind(rendered, "PersistentVolumeClaim")["evergreen"]
    assert volume["spec"]["accessModes"] == ["ReadWriteMany"]
    [container] = of_kind(rendered, "Deployment")["triggers"]["spec"]["template"]["spec"][
        "containers"
    ]
    version = (ROOT / "setup.py").read_text().split('version="')[1].split('"')[0]
    assert container["image"].endswith(f"evergreen:{version}")


def test_alerts_reach_a_webhook(rendered: list[Document]) -> None:
    [pod] = [pod for pod in pods(rendered) if pod.get("serviceAccountName") == "triggers"]
    variables = {variable["name"]: variable for variable in pod["containers"][0]["env"]}
    assert variables[ADDRESS]["valueFrom"]["secretKeyRef"]["optional"] is True
    egress = of_kind(rendered, "NetworkPolicy")["triggers"]["spec"]["egress"]
    assert {"ports": [{"port": 443, "protocol": "TCP"}]} in egress


def test_the_controller_that_hangs_is_started_anew(rendered: list[Document]) -> None:
    [pod] = [pod for pod in pods(rendered) if pod.get("serviceAccountName") == "triggers"]
    [container] = pod["containers"]
    probe, arguments = container["livenessProbe"]["exec"]["command"], container["args"]
    file = arguments[arguments.index("--heartbeat") + 1]
    assert file in probe[-1]
    assert any(file.startswith(mount["mountPath"]) for mount in container["volumeMounts"])


def test_the_probe_tells_a_file_that_is_touched_from_one_that_is_not(tmp_path: Path) -> None:
    [document] = read((FOLDER / "base/triggers.yaml").read_text())
    [container] = document["spec"]["template"]["spec"]["containers"]
    *shell, command = container["livenessProbe"]["exec"]["command"]
    file = tmp_path / "heartbeat"
    line = [*shell, command.replace("/tmp/heartbeat", str(file))]

    def is_alive() -> bool:
        return subprocess.run(line, capture_output=True, check=False).returncode == 0

    assert not is_alive()
    file.touch()
    assert is_alive()
    os.utime(file, (0, time.time() - 660))
    assert not is_alive()


def test_the_controller_has_the_memory_that_monitoring_was_measured_to_take() -> None:
    text = (ROOT / "docs/benchmarks.md").read_text()
    rows = re.findall(r"^\| ours, four times the rows \|.* ([\d,]+) \|$", text, re.MULTILINE)
    peak = max(int(row.replace(",", "")) for row in rows)
    [document] = read((FOLDER / "base/triggers.yaml").read_text())
    [container] = document["spec"]["template"]["spec"]["containers"]
    limit = container["resources"]["limits"]["memory"]
    assert limit.endswith("Gi")
    assert int(limit[:-2]) * 1024 > 1.3 * peak  # and the controller itself
