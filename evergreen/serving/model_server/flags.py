"""The command line of `tensorflow_model_server`."""

import argparse
import dataclasses
import logging
from collections.abc import Sequence
from typing import Any, NoReturn

from evergreen.serving.model_server.options import Options

log = logging.getLogger(__name__)

PROGRAM = "tensorflow_model_server"
IGNORED = {
    "enable_grpc_healthcheck_service": "the health service is always on",
    "enable_per_model_batching_parameters": "all models share one file of batching parameters",
    "enable_profiler": "there is no profiler service",
    "flush_filesystem_caches": "files are not cached by the server",
    "mixed_precision": "models run as they were exported",
    "num_tflite_interpreters_per_pool": "TensorFlow Lite models are not served",
    "num_tflite_pools": "TensorFlow Lite models are not served",
    "num_unload_threads": "unloading needs no threads",
    "per_process_gpu_memory_fraction": "there is no GPU",
    "platform_config_file": "TensorFlow is the only platform",
    "prefer_tflite_model": "TensorFlow Lite models are not served",
    "remove_unused_fields_from_bundle_metagraph": "of a graph only its signatures are kept",
    "rest_api_num_threads": "HTTP/REST is answered without threads",
    "skip_initialize_tpu": "there is no TPU",
    "tensorflow_session_config_file": "there is no session; see --tensorflow_*_parallelism",
    "thread_pool_factory_config_file": "see --grpc_max_threads",
    "total_model_memory_limit_bytes": "memory is not reserved",
    "use_alts_credentials": "ALTS is for Google's cloud; see --ssl_config_file",
    "use_tflite_model": "TensorFlow Lite models are not served",
    "xla_cpu_compilation_enabled": "models run as they were exported",
}
"""Flags of TensorFlow Serving that have no effect here, with the reasons."""


class FlagError(Exception):
    """Raised for an unknown flag or a wrong value, with the usage."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise FlagError(f"{message}\n{self.format_usage()}")


def parse(arguments: Sequence[str]) -> Options:
    """Parses flags: `--flag=value`, `--flag value`, and `--flag` alone for a boolean.

    A flag without effect here is accepted with a warning.

    Raises:
        FlagError: If a flag is unknown, or its value has the wrong type.
    """
    parser = _parser()
    known, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise FlagError(f"unknown argument: {unknown[0]}\n{parser.format_usage()}")
    values = vars(known)
    for name, why in IGNORED.items():
        if values.pop(name) is not None:
            log.warning("--%s has no effect: %s", name, why)
    return Options(**values)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        allow_abbrev=False,
        description="Serves SavedModels by TensorFlow Serving's gRPC and REST API.",
    )
    parser.add_argument("--version", action="version", version=_version())
    for field in dataclasses.fields(Options):
        text = f"{field.metadata['help']} (default: {field.default!r})".replace("%", "%%")
        parser.add_argument(
            f"--{field.name}", default=field.default, help=text, **_kind(field.type)
        )
    ignored = parser.add_argument_group("accepted without effect")
    for name, why in IGNORED.items():
        ignored.add_argument(f"--{name}", nargs="?", const="", help=why)
    return parser


def _kind(kind: Any) -> dict[str, Any]:
    if kind is bool:
        return {"type": _boolean, "nargs": "?", "const": True, "metavar": "BOOL"}
    return {"type": kind, "metavar": kind.__name__.upper()}


def _boolean(text: str) -> bool:
    values = {"true": True, "false": False, "1": True, "0": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return values[text.lower()]


def _version() -> str:
    from importlib.metadata import version

    return (
        f"TensorFlow ModelServer: evergreen {version('evergreen')}\n"
        f"TensorFlow Library: {version('tensorflow')}"
    )
