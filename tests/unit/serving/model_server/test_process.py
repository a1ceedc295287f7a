"""The process: what it does not start with, what it ends with."""

import asyncio
import concurrent.futures
import os
import socket
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.options import Options
from evergreen.serving.model_server.server import serve
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


def test_a_server_that_cannot_start_says_why_and_exits_with_255(tmp_path: Path) -> None:
    process = start("--port=8500", log=tmp_path / "log")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 255
    assert said == (
        "Failed to start server. Error: INVALID_ARGUMENT: Both server_options.model_base_path and "
        "server_options.model_config_file are empty!\n"
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
        asyncio.run(serve(options))
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
        ({"ssl_config_file": "/none"}, "Invalid protobuf file: '/none'"),
        ({"batching_parameters_file": "/none"}, "without setting server_options.enable_batching"),
        ({"saved_model_tags": "serve,tpu"}, "supplied tags: { serve tpu }"),
        ({"model_base_path": "relative"}, "absolute path"),
    ],
)
def test_wrong_flags_are_errors(options: Options, change: dict, problem: str) -> None:
    assert problem in failure(replace(options, **change)).message


def test_rest_does_not_share_the_port_of_grpc(options: Options) -> None:
    refused = failure(replace(options, rest_api_port=options.port))
    assert "http_port cannot be same as grpc_port" in refused.message
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
