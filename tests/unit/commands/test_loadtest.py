"""`evergreen loadtest`: Locust in a process of its own, against a server in this one."""

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from evergreen.commands.loadtest import loadtest
from evergreen.errors import DataError, EvergreenError
from evergreen.serving.client.failures import ServerError
from tests.unit.serving.backend import KEY, MODEL, Backend

ROWS = 20
TABLE = pa.table(
    {"fare": [float(at) for at in range(ROWS)], "hour": [7] * ROWS, "payment": ["Cash"] * ROWS}
)
app = typer.Typer()
app.command()(loadtest)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    pq.write_table(TABLE, tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def run(out: Path, *arguments: object) -> Result:
    command = [str(argument) for argument in (*arguments, "--model", MODEL, "--output", out)]
    return CliRunner(env={"COLUMNS": "150", "TERM": "dumb"}).invoke(app, command)


def figures(out: Path, answer: Result) -> dict[str, Any]:
    assert answer.exit_code == 0, answer.exception or answer.output
    [file] = out.glob("*.json")
    return orjson.loads(file.read_bytes())


def test_two_targets_are_compared(backend: Backend, rows: Path, out: Path) -> None:
    backend.needs_key = True
    first, second = f"grpc://{backend.grpc}", f"http://{backend.rest}"
    targets = ("--target", first, "--target", second, "--api-key", KEY)
    answer = run(out, *targets, "--rows", rows, "--seconds", 2, "--clients", 3, "--batch", 4)
    content = figures(out, answer)
    asked = len(backend.asked)
    assert {len(inputs["examples"]) for inputs in backend.asked} == {4}
    assert len({inputs["examples"][0] for inputs in backend.asked}) == ROWS / 4
    assert list(content["targets"]) == [first, second]
    assert 0 < sum(target["requests"] for target in content["targets"].values()) <= asked
    for target in content["targets"].values():
        assert target["errors"] == 0
        assert 0 < target["p50_ms"] <= target["p95_ms"] <= target["p99_ms"]
        assert target["qps"] == pytest.approx(target["requests"] / 2)
        assert target["rows_per_second"] == pytest.approx(target["qps"] * 4)
        # Three clients cannot have more than three requests under way (Little's law).
        assert target["qps"] * target["p50_ms"] / 1000 < 3 * 2
        assert [len(target["rounds"]), len(target["over_time"])] == [2, 8]
    for text in (first, second, "QPS", "p99 ms", "times the first", "4 rows a request"):
        assert text in answer.output
    [chart] = out.glob("*.svg")
    assert first in chart.read_text()
    assert answer.output.splitlines()[-1] == f"next: open the chart, {chart}"


def test_the_open_loop_does_not_wait_for_answers(backend: Backend, rows: Path, out: Path) -> None:
    backend.seconds = 0.5
    arguments = ("--target", backend.grpc, "--rate", 30, "--seconds", 2, "--rows", rows)
    [target] = figures(out, run(out, *arguments))["targets"].values()
    assert target["p50_ms"] >= 500
    assert target["requests"] > 2 * (2 / 0.5)  # more than one that waits could send
    assert len(backend.asked) <= 30 * 5  # with those before the measurement, and a late end


def test_errors_are_counted_and_told(backend: Backend, rows: Path, out: Path) -> None:
    arguments = ("--rest", "--target", backend.rest, "--rows", rows, "--seconds", 1)
    backend.broken = True
    answer = run(out, *arguments)
    [target] = figures(out, answer)["targets"].values()
    assert target["errors"] == target["requests"] > 0
    assert target["qps"] == 0
    assert target["p50_ms"] is None
    assert target["messages"] == {'HTTP 503: {"error": "not now"}': target["errors"]}
    assert f"{target['errors']} times HTTP 503" in answer.output


def test_a_ramp_is_shown_step_by_step(backend: Backend, rows: Path, out: Path) -> None:
    arguments = ("--target", backend.grpc, "--rows", rows, "--seconds", 3, "--clients", 4)
    answer = run(out, *arguments, "--ramp")
    [target] = figures(out, answer)["targets"].values()
    clients = [window["clients"] for window in target["over_time"]]
    assert clients == sorted(clients)
    assert 1 <= clients[0] < clients[-1] <= 4
    assert "as the load grows" in answer.output
    assert "up to 4 clients" in answer.output


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--batch", 21), "20 rows are not enough for one request of 21"),
        (("--signature", "rew"), "did you mean 'raw'"),
        (("--target", "127.0.0.1"), "is not the address of a server"),
        (("--seconds", 1, "--target", "AGAIN"), "1 s are too short for 2 rounds"),
    ],
)
def test_what_cannot_be_tested_is_refused(
    backend: Backend, rows: Path, out: Path, arguments: tuple[object, ...], problem: str
) -> None:
    arguments = [backend.grpc if argument == "AGAIN" else argument for argument in arguments]
    answer = run(out, "--target", backend.grpc, "--rows", rows, *arguments)
    assert isinstance(answer.exception, EvergreenError)
    assert problem in str(answer.exception)
    assert not out.exists()


def test_a_server_that_is_gone_is_said(rows: Path, out: Path) -> None:
    with Backend() as backend:
        target = backend.grpc
    answer = run(out, "--target", target, "--rows", rows)
    assert isinstance(answer.exception, ServerError)
    assert "evergreen serve" in answer.exception.hint


def test_without_rows_a_pushed_version_is_needed(backend: Backend, out: Path) -> None:
    pushed = ("--set", f"serving.base_path={out}")
    answer = run(out, "--target", backend.grpc, *pushed)
    assert isinstance(answer.exception, EvergreenError)
    assert "no version has been pushed" in str(answer.exception)
    (out / "4").mkdir(parents=True)
    answer = run(out, "--target", backend.grpc, *pushed)
    assert isinstance(answer.exception, DataError)
    assert "4 carries no requests of 1 rows" in str(answer.exception)
