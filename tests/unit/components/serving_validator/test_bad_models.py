"""A model that does not serve as its clients expect is refused, with the reason."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from evergreen.components.serving_validator import ServingCriteria
from evergreen.components.serving_validator.process import FreshProcess
from evergreen.components.serving_validator.served import UnservableError
from evergreen.errors import EvergreenError

from . import small
from .node import Node, refused

INPUTS = {
    "fare": np.array([1.0], np.float32),
    "hour": np.array([1]),
    "payment": np.array([b"Cash"], object),
}


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of a model with a signature for each fault, held to tiny budgets."""
    folder = tmp_path_factory.mktemp("bad")
    names = ("shifted", "undefined", "mixed", "crooked")
    small.export(
        folder / "model" / "Format-Serving", {name: getattr(small, name) for name in names}
    )
    criteria = ServingCriteria(
        signatures=("serving_default", *names, "absent"),
        rows=20,
        batch_sizes=(1, 8),
        p95_ms=1e-6,
        memory_mb=1.0,
    )
    node = Node(folder, folder / "model")
    report = node(criteria)
    assert not report["blessed"]
    assert node.blessing.get_int_custom_property("blessed") == 0
    return refused(report)


@pytest.mark.parametrize(
    ("criterion", "detail"),
    [
        ("shifted: answers as serving_default", ""),
        ("undefined: answers are finite numbers", "request 1: probabilities holds nan"),
        ("mixed: rows alone as in batches", ""),
        (
            "crooked: answers have the declared names, dtypes and shapes",
            "request 1: probabilities has the shape [0] for 1 rows, not float32[?]",
        ),
        ("absent: requests can be made from test rows", "the model has no such signature"),
        ("serving_default: p95 of one row in ms", ""),
        ("memory of the fresh process in MB", ""),
    ],
)
def test_each_fault_is_a_line_of_the_report(
    faults: dict[str, str], criterion: str, detail: str
) -> None:
    assert faults[criterion].startswith(detail)


def test_what_is_right_is_not_refused(faults: dict[str, str]) -> None:
    names = {criterion.split(":")[0] for criterion in faults if "p95" not in criterion}
    assert "serving_default" not in names
    assert "shifted: rows alone as in batches" not in faults
    assert not [criterion for criterion in faults if "as in this process" in criterion]


@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index"])
def test_a_broken_file_is_a_refused_model(tmp_path: Path, file: str) -> None:
    model = small.export(tmp_path / "model" / "Format-Serving")
    (model / file).write_bytes(b"\x00 not what it was")
    report = Node(tmp_path, tmp_path / "model")(ServingCriteria(rows=5))
    assert (report["blessed"], report["load_seconds"], report["memory_mb"]) == (False, None, None)
    [detail] = refused(report).values()
    assert "Error" in detail


def test_a_window_without_rows_is_no_fault_of_the_model(tmp_path: Path) -> None:
    small.export(tmp_path / "model" / "Format-Serving")
    node = Node(tmp_path, tmp_path / "model")
    for span in node.spans:
        for file in (span / "Split-test").iterdir():
            file.unlink()
    with pytest.raises(EvergreenError, match="no row to make a request of") as failure:
        node(ServingCriteria())
    assert not isinstance(failure.value, UnservableError)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[FreshProcess]:
    model = small.export(tmp_path, {"raw": small.probabilities, "endless": small.endless})
    with FreshProcess(model, load_within=60, answer_within=0.5) as process:
        yield process
    assert not workers(os.getpid())


def test_an_answer_that_never_comes_ends_the_process(served: FreshProcess) -> None:
    served.wait_until_loaded()
    with pytest.raises(UnservableError, match=r"did not answer within 0\.5 s"):
        served.predict("endless", INPUTS)
    with pytest.raises(UnservableError, match=r"did not answer within 0\.5 s"):
        served.predict("raw", INPUTS)


def test_a_process_that_dies_is_a_refusal_and_an_error_of_an_op_is_not_its_end(
    served: FreshProcess,
) -> None:
    served.wait_until_loaded()
    with pytest.raises(UnservableError, match="KeyError"):
        served.predict("absent", INPUTS)
    [worker] = workers(os.getpid())
    worker.send_signal(signal.SIGSEGV)
    with pytest.raises(UnservableError, match="was killed by SIGSEGV and did not answer"):
        served.predict("raw", INPUTS)


def test_a_process_that_never_starts_is_no_fault_of_the_model(served: FreshProcess) -> None:
    [worker] = workers(os.getpid())
    worker.kill()
    with pytest.raises(EvergreenError, match="was killed by SIGKILL and did not start") as failure:
        served.wait_until_loaded()
    assert not isinstance(failure.value, UnservableError)
    assert "import tensorflow" in failure.value.hint


def test_no_process_is_left_behind_by_one_that_is_killed(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from evergreen.components.serving_validator.process import FreshProcess
process = FreshProcess(Path(sys.argv[1]), 60, 60)
print("started", flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        [worker] = workers(parent.pid)
        parent.kill()
    worker.wait(60)


def workers(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if any("worker.py" in word for word in child.cmdline())]
