"""Prometheus understands the metrics, and its rules fire on them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from evergreen.monitoring.exposition import exposition
from evergreen.monitoring.results import Kind, MonitoringResult, TrafficFinding
from tests.project import ROOT
from tests.unit.monitoring.world import TODAY, WINDOW

PROMETHEUS = ROOT / "deploy/prometheus"
needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="apt: prometheus")


def of(*findings: TrafficFinding) -> str:
    return exposition(
        MonitoringResult(
            model="taxi",
            version=3,
            window=WINDOW,
            created=TODAY,
            rows=900,
            labelled=10,
            findings=findings,
        )
    )


def finding(*, fired: bool, threshold: float = 0.1, kind: Kind = Kind.DRIFT) -> TrafficFinding:
    return TrafficFinding(kind=kind, name="fare", value=0.3, threshold=threshold, fired=fired)


def samples(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name.removeprefix("evergreen_monitoring_"), sample.labels.get("kind", "")): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_finding_is_a_series() -> None:
    found = samples(of(finding(fired=True), finding(fired=False, kind=Kind.SKEW)))
    assert found["finding_fired", "drift"] == 1
    assert found["finding_fired", "skew"] == 0
    assert found["value", "drift"] == 0.3
    assert found["rows", ""] == 900
    assert found["created_seconds", ""] == TODAY.timestamp()


def test_a_metric_with_two_limits_fires_if_one_does() -> None:
    found = samples(of(finding(fired=True), finding(fired=False, threshold=0.5)))
    assert found["finding_fired", "drift"] == 1


def test_rules_name_metrics_that_there_are() -> None:
    rules = (PROMETHEUS / "alerts.yaml").read_text()
    named = set(re.findall(r"evergreen_monitoring_\w+", rules))
    known = {f"evergreen_monitoring_{name}" for name, _ in samples(of(finding(fired=True)))}
    assert named <= known
    kinds = {kind for text in re.findall(r'kind=~?"([^"]+)"', rules) for kind in text.split("|")}
    assert kinds == {kind.value for kind in Kind}


@needs_promtool
def test_promtool_takes_the_metrics_and_the_rules() -> None:
    def promtool(*arguments: str, text: str = "", cwd: Path = PROMETHEUS) -> str:
        command = ["promtool", *arguments]
        answer = subprocess.run(
            command, input=text, capture_output=True, text=True, cwd=cwd, check=False
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    assert "SUCCESS" in promtool("check", "rules", "alerts.yaml")
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yaml")
    promtool("check", "metrics", text=of(finding(fired=True)))
