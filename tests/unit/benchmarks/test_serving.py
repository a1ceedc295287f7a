"""The serving benchmark: its loop of clients, and what it says of the figures."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.serving import lean
from benchmarks.serving.result import Comparison, Load, Result
from benchmarks.serving.rivals.running import RIVALS
from benchmarks.serving.section import SECTION
from evergreen.serving.client import Client
from tests.unit.serving.backend import MODEL, Backend

ROWS = [{"fare": 1.0, "hour": 2, "payment": "Cash"}]


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend() as backend:
        yield backend


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_clients_send_what_they_are_given_until_the_time_is_over(
    backend: Backend, protocol: str
) -> None:
    target = getattr(backend, protocol)
    with Client(target, protocol, model=MODEL) as client:
        payload = client.encode(client.inputs(ROWS, "raw"), "raw")
    url = f"http://{backend.rest}/v1/models/{MODEL}:predict"
    over = {"grpc": lambda: lean.over_grpc(target), "rest": lambda: lean.over_http(url)}[protocol]
    load = lean.measure(over, [payload], clients=3, seconds=0.5, rows=1)
    assert 0 < load.requests < len(backend.asked)
    assert load.failed == 0
    assert 0 < load.p50 <= load.p95 <= load.p99 <= load.slowest
    assert backend.asked[0]["payment"].tolist() == [b"Cash"]
    backend.broken = True
    load = lean.measure(over, [payload], clients=1, seconds=0.1, rows=1)
    assert load.requests == 0
    assert load.failed > 0


def comparison(title: str, **loads: tuple[float, float]) -> Comparison:
    """Variants by their answers a second and p50."""
    found = {
        name.replace("_", " "): Load(
            requests=int(qps * 10), failed=0, seconds=10, rows=1,
            p50=p50, p95=2 * p50, p99=3 * p50, slowest=4 * p50,
        )
        for name, (qps, p50) in loads.items()
    }  # fmt: skip
    return Comparison(title=title, rounds=(found,))


def test_the_page_says_what_was_reached_and_what_was_not(tmp_path: Path) -> None:
    result = Result(
        machine=machine.describe(),
        started=datetime(2026, 1, 2, tzinfo=UTC),
        comparisons={
            "one": comparison("one client", in_process=(600, 1.6), gRPC=(400, 2.4)),
            "batching": comparison(
                "64 clients", without_batching=(800, 80), with_batching=(2000, 30)
            ),
        },
        rivals={rival.name: dict(part.split("==") for part in rival.packages) for rival in RIVALS},
    )
    text = SECTION.render(result.model_dump_json(), tmp_path)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    [over] = [line for line in lines if "over the same call in process" in line]
    assert "| at most 2 | 1.50 | reached |" in over
    [batching] = [line for line in lines if "over those without" in line]
    assert "| at least 4 | 2.50 | **missed** |" in batching
    assert not [line for line in lines if "gateway" in line]
    assert "| gRPC | 400 | 400 | 2.40 | 4.80 | 7.20 | 0 |" in lines
    assert "2 January 2026" in text
