"""The gRPC server: its services, ports, limits and keys."""

import logging
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc

from evergreen.files import identity, is_open_to_others
from evergreen.serving.model_server import config
from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.manager import Manager
from evergreen.serving.model_server.grpc_front import services
from evergreen.serving.model_server.grpc_front.health import Health
from evergreen.serving.model_server.options import Options

log = logging.getLogger(__name__)
MAX_MESSAGE = 2**31 - 1
"""The most bytes of a message, unless --grpc_channel_arguments sets another: TensorFlow
Serving's."""
MAX_CALLS = 4096
"""The most concurrent calls, including waiting ones; more get RESOURCE_EXHAUSTED. It bounds
memory."""
DEFAULTS: dict[str, int | str] = {
    "grpc.max_receive_message_length": MAX_MESSAGE,
    "grpc.max_send_message_length": MAX_MESSAGE,
    "grpc.so_reuseport": 0,  # a taken port is an error, and not shared
    "grpc.max_allowed_incoming_connections": 1000,
    "grpc.max_concurrent_streams": 1000,
    "grpc.server_handshake_timeout_ms": 20_000,
    "grpc.max_connection_idle_ms": 300_000,
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
}
"""Limits for connections: calls on each, and the times for handshake, idling and dead peers."""


def build(manager: Manager, health: Health, options: Options) -> grpc.aio.Server:
    """Creates the server, bound but not started.

    Raises:
        ServingError: If a port is taken, or a flag is invalid.
    """
    arguments = {**DEFAULTS, **channel_arguments(options.grpc_channel_arguments)}
    server = grpc.aio.server(options=list(arguments.items()), maximum_concurrent_rpcs=MAX_CALLS)
    handlers = [
        services.prediction_service(manager),
        services.model_service(manager),
        services.configs(manager),
    ]
    server.add_generic_rpc_handlers(handlers)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    for address in addresses(options):
        _bind(server, address, options)
    return server


def addresses(options: Options) -> list[str]:
    """Returns the addresses that the server listens on.

    Raises:
        ServingError: If there are none.
    """
    tcp = [options.address(options.port)] if options.port else []
    unix = [f"unix:{options.grpc_socket_path}"] if options.grpc_socket_path else []
    if not tcp + unix:
        raise invalid(
            "At least one of server_options.grpc_port or server_options.grpc_socket_path must be "
            "set."
        )
    return tcp + unix


def channel_arguments(text: str) -> dict[str, int | str]:
    """Parses `name=value,name=value`, with numbers as numbers.

    Raises:
        ServingError: If it does not have that form.
    """
    pairs = [part.partition("=") for part in text.split(",") if part]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise invalid(f"--grpc_channel_arguments: {', '.join(wrong)} has no value: name=value")
    return {name: int(value) if _is_int(value) else value for name, _, value in pairs}


def _bind(server: grpc.aio.Server, address: str, options: Options) -> None:
    try:
        if options.ssl_config_file:
            server.add_secure_port(address, credentials(options))
        else:
            server.add_insecure_port(address)
    except RuntimeError as error:
        raise invalid(f"Failed to BuildAndStart gRPC server: {error}") from error


def credentials(options: Options) -> grpc.ServerCredentials:
    """Reads keys and certificates, again when their file changes, for connections made afterwards.

    TensorFlow Serving reads them once. Whether clients need a certificate does not change.

    Raises:
        ServingError: If the file does not exist or is invalid. Later that is logged, and the last
            ones stay.
    """
    file = Path(options.ssl_config_file)
    keys = config.tls(options)
    read = identity(file)
    if is_open_to_others(file):
        log.warning("%s: others than its owner can read this secret; chmod 600 %s", file, file)

    def changed() -> Any:
        nonlocal read
        if (found := identity(file)) == read:
            return None
        read = found
        try:
            certificates = _certificates(config.tls(options))
        except ServingError as error:
            log.error("the keys and certificates stay as they were: %s", error)
            return None
        log.info("keys and certificates are those of %s", file)
        return certificates

    return grpc.dynamic_ssl_server_credentials(
        _certificates(keys), changed, require_client_authentication=keys.get("client_verify", False)
    )


def _certificates(keys: dict[str, Any]) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(keys.get("server_key", "").encode(), keys.get("server_cert", "").encode())],
        root_certificates=keys["custom_ca"].encode() if keys.get("custom_ca") else None,
    )


def _is_int(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
