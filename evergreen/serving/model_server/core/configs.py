"""Checks of a ModelServerConfig."""

import grpc
from tensorflow_serving.config.model_server_config_pb2 import (
    TENSORFLOW,
    ModelConfig,
    ModelServerConfig,
    ModelType,
)

from evergreen.files import pattern_in
from evergreen.serving.model_server.core.errors import ServingError, invalid

PLATFORM = "tensorflow"


def check(config: ModelServerConfig) -> None:
    """Refuses a configuration that cannot be served, with TensorFlow Serving's messages.

    Raises:
        ServingError: If it is not a list of models, or a model is invalid.
    """
    if config.WhichOneof("config") != "model_config_list":
        raise ServingError(
            grpc.StatusCode.FAILED_PRECONDITION,
            "Cannot transition to requested config. It is only legal to transition from one "
            "ModelConfigList to another.",
        )
    seen: set[str] = set()
    for model in config.model_config_list.config:
        if model.name in seen:
            raise invalid(f"Illegal to list model {model.name} multiple times in config list")
        seen.add(model.name)
        _check_model(model)


def _check_model(model: ModelConfig) -> None:
    if not model.name:
        raise invalid("Illegal to list a model without a name")
    if not model.base_path.startswith("/") and "://" not in model.base_path:
        raise invalid(
            f"Expected model {model.name} to have an absolute path or URI; got "
            f"base_path()={model.base_path}"
        )
    if characters := pattern_in(model.base_path):
        raise invalid(
            f"Model {model.name} has a path that TensorFlow takes for a pattern, because of "
            f"{characters}; got base_path()={model.base_path}"
        )
    if model.model_type and model.model_platform:
        raise invalid(
            "Illegal setting both ModelServerConfig::model_type (deprecated) and "
            "ModelServerConfig::model_platform."
        )
    platform = model.model_platform
    if model.model_type:
        platform = PLATFORM if model.model_type == TENSORFLOW else ModelType.Name(model.model_type)
    if not platform:
        raise invalid(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            "ModelServerConfig::model_platform."
        )
    if platform != PLATFORM:
        raise invalid(f"Model {model.name} requests unsupported platform {platform}")
