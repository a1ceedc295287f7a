"""Version labels: names for versions, such as "canary"."""

from collections.abc import Callable, Mapping

import grpc
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.options import Options

Labels = Mapping[tuple[str, str], int]
"""Versions by model and label."""


def resolve(labels: Labels, model: str, label: str) -> int:
    """Returns the version that a label names.

    Raises:
        ServingError: If the model has no such label (INVALID_ARGUMENT).
    """
    if (model, label) not in labels:
        raise invalid(f"Unrecognized servable version label: {label}")
    return labels[model, label]


def assign(
    config: ModelServerConfig,
    old: Labels,
    is_available: Callable[[str, int], bool],
    options: Options,
) -> Labels:
    """Returns the labels of a configuration.

    Raises:
        ServingError: If a label names a version that is not available, and the flags do not allow
            that (FAILED_PRECONDITION).
    """
    new = {
        (model.name, label): version
        for model in config.model_config_list.config
        for label, version in model.version_labels.items()
    }
    for key, version in new.items():
        moves = old.get(key, version) != version
        allowed = options.force_allow_any_version_labels_for_unavailable_models or (
            options.allow_version_labels_for_unavailable_models and not moves
        )
        if not allowed and not is_available(key[0], version):
            raise ServingError(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"Request to assign label to version {version} of model {key[0]}, which is not "
                "currently available for inference",
            )
    return new
