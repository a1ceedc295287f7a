"""A model is asked in a real server, which is gone with whoever started it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from evergreen.errors import EvergreenError
from evergreen.serving.trial import process
from evergreen.serving.trial.channels import Asking
from evergreen.serving.trial.checks import are_by_row, distance
from evergreen.serving.trial.exported import InProcess, UnservableError, read_signatures
from evergreen.serving.trial.server import ModelServer

from . import models
from .programs import make_program

INPUTS = {
    "fare": np.array([1.0, np.nan, 1 / 3], np.float32),
    "hour": np.array([1, -1, 23]),
    "payment": np.array([b"Cash", b"", "Kärtchen".encode()], object),
}
SIGNATURES = {name: getattr(models, name) for name in ("explained", "whole", "endless")}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.export(tmp_path_factory.mktemp("model"), SIGNATURES)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(process.EMBEDDED, "taxi", load_within=60, answer_within=60) as server:
        yield server
    assert not servers(os.getpid())


def load(server: ModelServer, model: Path) -> Asking:
    return server.load(model, read_signatures(model))


def test_all_apis_answer_bit_for_bit_as_this_process(server: ModelServer, model: Path) -> None:
    asking, here = load(server, model), InProcess(model)
    ways = [asking.by_grpc, asking.by_rest, asking.by_rest_rows]
    for name, signature in read_signatures(model).items():
        if name in ("explained", "whole"):
            expected = here.predict(name, INPUTS)
            for predict in ways if are_by_row(signature) else ways[:2]:
                answer = predict(name, INPUTS)
                assert answer.keys() == expected.keys()
                assert distance(answer, expected) == 0.0
    for predict in ways:
        with pytest.raises(UnservableError, match="absent"):
            predict("absent", INPUTS)
        with pytest.raises(UnservableError, match="INVALID_ARGUMENT"):
            predict("explained", {"fare": INPUTS["fare"]})
    with pytest.raises(UnservableError, match="type float16 cannot be sent"):
        asking.by_grpc("explained", {"fare": np.array([1.0], np.float16)})


def test_a_server_that_dies_is_a_refused_model(server: ModelServer, model: Path) -> None:
    asking = load(server, model)
    [child] = servers(os.getpid())
    child.send_signal(signal.SIGSEGV)
    with pytest.raises(UnservableError, match="killed by SIGSEGV and did not answer; it said: "):
        asking.by_rest("explained", INPUTS)
    with pytest.raises(UnservableError, match="killed by SIGSEGV and did not answer"):
        asking.by_grpc("explained", INPUTS)
    assert server.memory_mb is None


def test_an_answer_that_never_comes_ends_the_server(model: Path) -> None:
    with ModelServer(process.EMBEDDED, "taxi", load_within=60, answer_within=0.5) as server:
        asking = load(server, model)
        with pytest.raises(UnservableError, match=r"did not answer within 0\.5 s"):
            asking.by_grpc("endless", INPUTS)
        assert not servers(os.getpid())
        with pytest.raises(UnservableError, match=r"did not answer within 0\.5 s"):
            asking.by_rest_rows("explained", INPUTS)


def test_a_port_that_somebody_takes_first_is_no_fault_of_the_model(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1], process.free_port()])
        monkeypatch.setattr(process, "free_port", lambda: next(ports))
        with ModelServer(process.EMBEDDED, "taxi", load_within=60, answer_within=60) as server:
            assert load(server, model).by_rest("whole", INPUTS).keys() == {"mean"}


def test_a_port_that_somebody_else_listens_on_is_not_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"""#!{sys.executable}
import socket, sys, time
[path] = [word.partition("=")[2] for word in sys.argv if word.startswith("--grpc_socket_path=")]
grpc = socket.socket(socket.AF_UNIX)
grpc.bind(path)
grpc.listen()
time.sleep(60)
"""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(process, "free_port", lambda: taken.getsockname()[1])
        server = process.ServerProcess([str(make_program(tmp_path, script))])
        try:
            assert not server.wait_until_listening(3)
        finally:
            server.close()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/bin/sh\necho no AVX here\nexit 3\n", "exited with 3; it said: no AVX here"),
        ("#!/bin/sh\nkill -KILL $$\n", "was killed by SIGKILL"),
    ],
)
def test_a_server_that_never_starts_is_no_fault_of_the_model(
    tmp_path: Path, model: Path, script: str, words: str
) -> None:
    command = process.find_program(str(make_program(tmp_path, script)))
    with (
        ModelServer(command, "taxi", load_within=60, answer_within=60) as server,
        pytest.raises(EvergreenError, match=words) as failure,
    ):
        load(server, model)
    assert not isinstance(failure.value, UnservableError)
    assert process.describe_program(command) == f"{command[0]}, which does not tell its version"


@pytest.mark.parametrize(("seconds", "listens"), [("0", False), ("100", True)])
def test_no_server_is_left_behind_by_a_childthat_is_killed(
    tmp_path: Path, seconds: str, listens: bool
) -> None:
    code = """
import sys
from evergreen.serving.trial.process import ServerProcess
from evergreen.serving.trial.process import EMBEDDED
process = ServerProcess(EMBEDDED)
print("started", process.wait_until_listening(float(sys.argv[1])), flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", code, seconds]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    # It cannot remove its folder any more.
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, **pipes) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == f"started {listens}\n"
        [orphan] = servers(parent.pid)
        parent.kill()
    orphan.wait(60)


def test_a_server_on_the_path_comes_before_the_embedded_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert process.find_program("") == process.EMBEDDED
    found = make_program(tmp_path)
    assert process.find_program("") == (str(found),)
    assert process.describe_program(process.find_program("")) == "TensorFlow ModelServer: by hand"
    assert process.describe_program(process.EMBEDDED).startswith(
        "TensorFlow ModelServer: evergreen 0.1.0"
    )
    found.chmod(0o644)
    with pytest.raises(EvergreenError, match=r"serving.model_server = .* no such program"):
        process.find_program(str(found))


def servers(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if "/evergreen-" in " ".join(child.cmdline())]
