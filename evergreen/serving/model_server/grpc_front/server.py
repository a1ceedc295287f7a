"""The gRPC server: its services, ports, limits and keys."""

from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc

from evergreen.serving.model_server import config
from evergreen.serving.model_server.core.errors import invalid
from evergreen.serving.model_server.core.manager import Manager
from evergreen.serving.model_server.grpc_front import model, prediction
from evergreen.serving.model_server.grpc_front.health import Health
from evergreen.serving.model_server.options import Options

MAX_MESSAGE = 2**31 - 1
"""Bytes of a message, unless --grpc_channel_arguments says otherwise: as TensorFlow Serving."""
MAX_CALLS = 4096
"""Calls at the same time, waiting ones counted; more are RESOURCE_EXHAUSTED. It bounds memory."""
DEFAULTS: dict[str, int | str] = {
    "grpc.max_receive_message_length": MAX_MESSAGE,
    "grpc.max_send_message_length": MAX_MESSAGE,
    "grpc.so_reuseport": 0,  # a port that is taken is an error, not shared
}


def build(manager: Manager, health: Health, options: Options) -> grpc.aio.Server:
    """Makes the server, bound and not started.

    Raises:
        ServingError: If a port is taken, or a flag is wrong.
    """
    arguments = {**DEFAULTS, **channel_arguments(options.grpc_channel_arguments)}
    server = grpc.aio.server(options=list(arguments.items()), maximum_concurrent_rpcs=MAX_CALLS)
    handlers = [prediction.handler(manager), model.handler(manager)]
    server.add_generic_rpc_handlers(handlers)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    for address in addresses(options):
        _bind(server, address, options)
    return server


def addresses(options: Options) -> list[str]:
    """Returns what the server listens on.

    Raises:
        ServingError: If that is nothing.
    """
    tcp = [f"{options.host}:{options.port}"] if options.port else []
    unix = [f"unix:{options.grpc_socket_path}"] if options.grpc_socket_path else []
    if not tcp + unix:
        raise invalid(
            "At least one of server_options.grpc_port or server_options.grpc_socket_path must be "
            "set."
        )
    return tcp + unix


def channel_arguments(text: str) -> dict[str, int | str]:
    """Reads `name=value,name=value`; numbers as such.

    Raises:
        ServingError: If it is not of that form.
    """
    pairs = [part.partition("=") for part in text.split(",") if part]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise invalid(f"--grpc_channel_arguments: {', '.join(wrong)} has no value: name=value")
    return {name: int(value) if _is_int(value) else value for name, _, value in pairs}


def _bind(server: grpc.aio.Server, address: str, options: Options) -> None:
    try:
        if options.ssl_config_file:
            server.add_secure_port(address, _credentials(config.tls(options)))
        else:
            server.add_insecure_port(address)
    except RuntimeError as error:
        raise invalid(f"Failed to BuildAndStart gRPC server: {error}") from error


def _credentials(keys: dict[str, Any]) -> grpc.ServerCredentials:
    return grpc.ssl_server_credentials(
        [(keys.get("server_key", "").encode(), keys.get("server_cert", "").encode())],
        root_certificates=keys["custom_ca"].encode() if keys.get("custom_ca") else None,
        require_client_auth=keys.get("client_verify", False),
    )


def _is_int(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
