"""The text protos named in flags: models, batching, monitoring, TLS."""

import logging
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import descriptor_pb2, message_factory, text_format, wrappers_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.serving.model_server.core.batching_options import BatchingOptions
from evergreen.serving.model_server.core.errors import invalid, not_found
from evergreen.serving.model_server.options import Options

log = logging.getLogger(__name__)
M = TypeVar("M", bound=Message)
PROMETHEUS_PATH = "/monitoring/prometheus/metrics"
"""The path of metrics if the monitoring config names none: TensorFlow Serving's default."""
BATCHING, MONITORING, TLS = "BatchingParameters", "MonitoringConfig", "SSLConfig"
SCHEMAS = {
    BATCHING: [
        "max_batch_size google.protobuf.Int64Value",
        "batch_timeout_micros google.protobuf.Int64Value",
        "max_enqueued_batches google.protobuf.Int64Value",
        "num_batch_threads google.protobuf.Int64Value",
        "thread_pool_name google.protobuf.StringValue",
        "allowed_batch_sizes repeated",
        "pad_variable_length_inputs bool",
        "enable_large_batch_splitting google.protobuf.BoolValue",
        "max_execution_batch_size google.protobuf.Int64Value",
    ],
    "PrometheusConfig": ["enable bool", "path string"],
    MONITORING: ["prometheus_config tensorflow.serving.PrometheusConfig"],
    TLS: ["server_key string", "server_cert string", "custom_ca string", "client_verify bool"],
}
"""Messages of TensorFlow Serving that `tensorflow-serving-api` 2.19 lacks, as text only.

Their fields in order, from session_bundle_config.proto, monitoring_config.proto, ssl_config.proto.
"""


def models(options: Options) -> ModelServerConfig:
    """Returns the models that the flags name.

    Raises:
        ServingError: If they name none, or the file does not exist or is invalid.
    """
    if options.model_config_file:
        return parse(options.model_config_file, ModelServerConfig())
    if not options.model_base_path:
        raise invalid(
            "Both server_options.model_base_path and server_options.model_config_file are empty!"
        )
    config = ModelServerConfig()
    config.model_config_list.config.add(
        name=options.model_name, base_path=options.model_base_path, model_platform="tensorflow"
    )
    return config


def batching(options: Options) -> BatchingOptions | None:
    """Returns the batching options; None without batching.

    Raises:
        ServingError: If the parameters contradict each other, or batching is not enabled.
    """
    if not options.enable_batching:
        if options.batching_parameters_file:
            raise invalid(
                "server_options.batching_parameters_file is set without setting "
                "server_options.enable_batching to true."
            )
        return None
    if not options.batching_parameters_file:
        return BatchingOptions()
    return BatchingOptions(**_fields(parse(options.batching_parameters_file, _message(BATCHING))))


def metrics_path(options: Options) -> str:
    """Returns the path of the metrics on the REST port; empty if there are none.

    Raises:
        ServingError: If the file does not exist or is invalid.
    """
    if not options.monitoring_config_file:
        return ""
    config: Any = parse(options.monitoring_config_file, _message(MONITORING))
    prometheus = config.prometheus_config
    return (prometheus.path or PROMETHEUS_PATH) if prometheus.enable else ""


def tls(options: Options) -> dict[str, Any]:
    """Returns the fields of the SSLConfig: keys and certificates as PEM.

    Raises:
        ServingError: If the file does not exist or is invalid.
    """
    return _fields(parse(options.ssl_config_file, _message(TLS)))


def parse(file: str, message: M) -> M:
    """Parses a text proto into a message.

    Raises:
        ServingError: If the file does not exist, or is not such a proto. The place and the reason
            are logged in TensorFlow Serving's words.
    """
    try:
        return text_format.Parse(Path(file).read_text(), message)
    except OSError as error:
        raise not_found(f"{file}; {error.strerror}") from error
    except (UnicodeDecodeError, text_format.ParseError) as error:
        why = str(error).replace(" : ", ": ", 1)
        log.error("Error parsing text-format %s: %s", message.DESCRIPTOR.full_name, why)
        raise invalid(f"Invalid protobuf file: '{file}': {why}") from error


def _fields(message: Message) -> dict[str, Any]:
    """Returns the fields that are set, by name, with wrappers unpacked."""
    values = {field.name: value for field, value in message.ListFields()}
    return {
        name: tuple(value) if name == "allowed_batch_sizes" else getattr(value, "value", value)
        for name, value in values.items()
    }


def _message(name: str) -> Message:
    return message_factory.GetMessageClass(
        _pool().FindMessageTypeByName(f"tensorflow.serving.{name}")
    )()


@cache
def _pool() -> DescriptorPool:
    """Returns the messages of `SCHEMAS`, and those of the installed packages."""
    file = descriptor_pb2.FileDescriptorProto(
        name="evergreen/serving_config.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for name, fields in SCHEMAS.items():
        message = file.message_type.add(name=name)
        for number, text in enumerate(fields, start=1):
            _add_field(message, number, *text.split())
    pool = DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _add_field(message: descriptor_pb2.DescriptorProto, number: int, name: str, kind: str) -> None:
    field = message.field.add(name=name, number=number)
    field.label = field.LABEL_REPEATED if kind == "repeated" else field.LABEL_OPTIONAL
    scalars = {"repeated": field.TYPE_INT64, "bool": field.TYPE_BOOL, "string": field.TYPE_STRING}
    if kind in scalars:
        field.type = scalars[kind]
    else:
        field.type, field.type_name = field.TYPE_MESSAGE, f".{kind}"
