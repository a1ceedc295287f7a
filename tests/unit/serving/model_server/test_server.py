"""The process: what it does not start with, what it ends with."""

import asyncio
import concurrent.futures
import json
import os
import socket
import ssl
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from evergreen.serving import connections
from evergreen.serving.connections import Limits
from evergreen.serving.model_server import server as life
from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.core.manager import Manager
from evergreen.serving.model_server.metrics import Metrics
from evergreen.serving.model_server.options import Options
from tests.unit.serving.model_server import saved
from tests.unit.serving.model_server.running import free_port, request, server, start


def test_sigterm_lets_requests_in_flight_finish(tmp_path: Path) -> None:
    saved.save_gate(tmp_path / "gate")
    for name in ("started", "let_go"):
        os.mkfifo(tmp_path / name)
    model = ["--model_name=gate", f"--model_base_path={tmp_path}/gate"]
    with (
        server(*model, log=tmp_path / "log") as running,
        concurrent.futures.ThreadPoolExecutor() as pool,
    ):
        watched = HealthStub(running.channel).Watch(HealthCheckRequest())
        assert next(watched).status == HealthCheckResponse.SERVING
        waiting = pool.submit(
            running.predictions.Predict, request("gate", folder=bytes(tmp_path)), timeout=60
        )
        (tmp_path / "started").read_bytes()
        running.terminate()
        assert next(watched).status == HealthCheckResponse.NOT_SERVING
        watched.cancel()
        (tmp_path / "let_go").read_bytes()
        assert waiting.result().outputs["folder"].string_val == [bytes(tmp_path)]
        assert running.process.wait(60) == 0


def test_a_wrong_config_is_reported_with_the_words_of_tensorflow_serving(tmp_path: Path) -> None:
    file = tmp_path / "models.txt"
    file.write_text('model_config_list {\n  configs { name: "half" }\n}\n')
    process = start(f"--model_config_file={file}", log=tmp_path / "log")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 255
    assert said.startswith(
        f"Failed to start server. Error: INVALID_ARGUMENT: Invalid protobuf file: '{file}'"
    )
    words = (tmp_path / "log").read_text().partition("Error parsing text-format ")[2]
    assert words == (
        "tensorflow.serving.ModelServerConfig: 2:3: Message type "
        '"tensorflow.serving.ModelConfigList" has no field named "configs".\n'
    )


def test_an_unknown_flag_exits_with_255(tmp_path: Path) -> None:
    process = start("--prot=8500", log=tmp_path / "log")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 255
    assert said.startswith("unknown argument: --prot=8500\nusage: tensorflow_model_server")


@pytest.fixture(scope="module")
def half_plus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("half")
    saved.save_half_plus(base, 1)
    return base


@pytest.fixture
def options(half_plus: Path) -> Options:
    return Options(port=free_port(), model_base_path=str(half_plus), max_num_load_retries=0)


def failure(options: Options) -> ServingError:
    with pytest.raises(ServingError) as failed:
        asyncio.run(life.serve(options))
    return failed.value


def test_a_port_that_is_taken_is_an_error(options: Options) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = failure(replace(options, port=port))
        assert refused.message.startswith("Failed to BuildAndStart gRPC server")
        refused = failure(replace(options, rest_api_port=port))
        assert refused.message.startswith(f"Failed to start HTTP Server at 127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"port": 0}, "server_options.grpc_port or server_options.grpc_socket_path must be set"),
        ({"grpc_channel_arguments": "grpc.max_connection_age_ms"}, "has no value"),
        ({"ssl_config_file": "/none"}, "/none; No such file or directory"),
        ({"batching_parameters_file": "/none"}, "without setting server_options.enable_batching"),
        ({"saved_model_tags": "serve,tpu"}, "supplied tags: { serve tpu }"),
        ({"model_base_path": "relative"}, "absolute path"),
        (
            {"model_base_path": ""},
            "Both server_options.model_base_path and server_options.model_config_file are empty!",
        ),
    ],
)
def test_wrong_flags_are_errors(options: Options, change: dict, problem: str) -> None:
    assert problem in failure(replace(options, **change)).message


def test_rest_does_not_share_the_port_of_grpc(options: Options) -> None:
    refused = failure(replace(options, rest_api_port=options.port))
    assert "http_port cannot be same as grpc_port" in refused.message
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("host", "reachable"),
    [
        ("::", ["127.0.0.1", "::1"]),
        ("[::]", ["127.0.0.1", "::1"]),
        ("::1", ["::1"]),
        ("[::1]", ["::1"]),
        ("0.0.0.0", ["127.0.0.1"]),
    ],
)
async def test_hosts_of_ipv4_and_ipv6(options: Options, host: str, reachable: list[str]) -> None:
    chosen = replace(options, host=host, rest_api_port=free_port())
    manager = Manager(chosen, None, Metrics())
    async with life._fronts(manager, chosen):
        for address in reachable:
            for port in (chosen.port, chosen.rest_api_port):
                socket.create_connection((address, port), timeout=10).close()


def write_tls(folder: Path, name: str) -> tuple[str, str]:
    """Makes a certificate; returns it, and the SSLConfig with it and its key."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = ["-keyout", str(key), "-out", str(certificate), "-subj", f"/CN={name}"]
    subprocess.run(["openssl", "req", *kind, *files], check=True, capture_output=True)
    texts = [json.dumps(file.read_text()) for file in (key, certificate)]
    return certificate.read_text(), "server_key: {} server_cert: {}".format(*texts)


@pytest.mark.asyncio
async def test_certificates_are_read_again_when_they_change(
    options: Options, tmp_path: Path
) -> None:
    file = tmp_path / "ssl.txt"
    chosen = replace(options, ssl_config_file=str(file))

    async def certificate() -> str:
        ask = ssl.get_server_certificate
        return await asyncio.to_thread(ask, ("127.0.0.1", chosen.port), timeout=10)

    first, second = (write_tls(tmp_path, name) for name in ("first", "second"))
    file.write_text(first[1])
    manager = Manager(chosen, None, Metrics())
    async with life._fronts(manager, chosen):
        assert await certificate() == first[0]
        file.write_text("nonsense")
        assert await certificate() == first[0]
        file.write_text(second[1])
        assert await certificate() == second[0]


@pytest.mark.asyncio
async def test_connections_that_send_nothing_do_not_keep_others_out(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "Limits", lambda: Limits(connections=2))
    chosen = replace(
        options,
        rest_api_port=free_port(),
        grpc_channel_arguments="grpc.max_allowed_incoming_connections=2",
    )

    def open_five(port: int) -> list[bytes]:
        with ExitStack() as opened:
            addresses = [("127.0.0.1", port)] * 5
            five = [
                opened.enter_context(socket.create_connection(address, 60)) for address in addresses
            ]
            if port == chosen.port:
                return [connection.recv(9) for connection in five]
            return [
                connection.recv(12) for connection in five[:3]
            ]  # the last two wait for a request

    async with life._fronts(Manager(chosen, None, Metrics()), chosen):
        by_grpc = await asyncio.to_thread(open_five, chosen.port)
        assert [bool(answer) for answer in by_grpc] == [True, True, False, False, False]
        by_rest = await asyncio.to_thread(open_five, chosen.rest_api_port)
        assert by_rest == [b""] * 3
