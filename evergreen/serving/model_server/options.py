"""Options of a server: the flags of `tensorflow_model_server` that have an effect here."""

import os
from dataclasses import dataclass, field
from typing import Any


def _flag(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Options:
    """The flags by TensorFlow Serving's names, with its defaults; only `host` is added."""

    host: str = _flag(
        "127.0.0.1",
        "Address to listen on; 0.0.0.0 for all of IPv4, :: for all (tensorflow_model_server has no "
        "such flag and listens on all)",
    )
    port: int = _flag(8500, "TCP port to listen on for gRPC API; none if 0")
    grpc_socket_path: str = _flag("", "UNIX socket to listen on for gRPC API; none if empty")
    grpc_channel_arguments: str = _flag(
        "", "Comma-separated arguments of the gRPC server, such as grpc.max_connection_age_ms=2000"
    )
    grpc_max_threads: int = _flag(
        4 * (os.cpu_count() or 1), "How many requests run at the same time, batches not counted"
    )
    ssl_config_file: str = _flag("", "ASCII SSLConfig; gRPC is plain text if empty")
    rest_api_port: int = _flag(0, "Port to listen on for HTTP/REST API; none if 0")
    rest_api_timeout_in_ms: int = _flag(30000, "Timeout for HTTP/REST API calls")
    enable_cors_support: bool = _flag(False, "Send CORS headers in HTTP/REST responses")
    monitoring_config_file: str = _flag("", "ASCII MonitoringConfig; no metrics if empty")

    model_config_file: str = _flag(
        "", "ASCII ModelServerConfig; --model_name and --model_base_path are ignored then"
    )
    model_config_file_poll_wait_seconds: int = _flag(
        0, "Interval at which model_config_file is read again; only once if 0"
    )
    model_name: str = _flag("default", "Name of the model")
    model_base_path: str = _flag("", "Folder of the model's versions")
    saved_model_tags: str = _flag("serve", "Comma-separated tags of the graph to load")
    allow_version_labels_for_unavailable_models: bool = _flag(
        False, "Allow new labels for versions that are not available yet"
    )
    force_allow_any_version_labels_for_unavailable_models: bool = _flag(
        False, "Allow any label for versions that are not available yet"
    )
    enable_signature_method_name_check: bool = _flag(
        False, "Refuse to classify or regress by a signature made for another method"
    )

    file_system_poll_wait_seconds: int = _flag(
        1, "Interval at which new versions are looked for; only once if 0, never if negative"
    )
    num_load_threads: int = _flag(1, "How many versions are loaded at the same time")
    max_num_load_retries: int = _flag(5, "How many times a failed load is tried again")
    load_retry_interval_micros: int = _flag(
        60_000_000, "Time between two attempts to load; none if negative"
    )
    enable_model_warmup: bool = _flag(
        True, "Replay assets.extra/tf_serving_warmup_requests before a version is available"
    )
    num_request_iterations_for_warmup: int = _flag(1, "How many times each request is replayed")

    enable_batching: bool = _flag(False, "Answer requests in batches")
    batching_parameters_file: str = _flag("", "ASCII BatchingParameters; the defaults if empty")
    tensorflow_session_parallelism: int = _flag(
        0, "Threads of TensorFlow, within and between operations; it decides itself if 0"
    )
    tensorflow_intra_op_parallelism: int = _flag(0, "Threads of TensorFlow within an operation")
    tensorflow_inter_op_parallelism: int = _flag(0, "Threads of TensorFlow between operations")
    enable_serialization_as_tensor_content: bool = _flag(
        False, "Put numbers of a Predict response into tensor_content, which is faster"
    )

    @property
    def bare_host(self) -> str:
        """The host for a socket; empty for all addresses of IPv4 and IPv6."""
        bare = self.host.removeprefix("[").removesuffix("]")
        return "" if bare == "::" else bare

    def address(self, port: int) -> str:
        """Returns host and port as one text: "127.0.0.1:8500", "[::1]:8500"."""
        host = self.bare_host or "::"
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def parallelism(self) -> tuple[int, int]:
        """Threads of TensorFlow within and between operations."""
        both = self.tensorflow_session_parallelism
        return (
            both or self.tensorflow_intra_op_parallelism,
            both or self.tensorflow_inter_op_parallelism,
        )
