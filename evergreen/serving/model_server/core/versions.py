"""Versions of a model: which there should be, by disk and policy, and names for them (labels)."""

from collections.abc import Callable, Mapping

import grpc
import tensorflow as tf
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from evergreen.serving.model_server.core.errors import ServingError, invalid, not_found
from evergreen.serving.model_server.options import Options

Labels = Mapping[tuple[str, str], int]
"""Versions by model and label."""
MAX_VERSION = 2**63 - 1


def resolve_label(labels: Labels, model: str, label: str) -> int:
    """Returns the version that a label names.

    Raises:
        ServingError: If the model has no such label (INVALID_ARGUMENT).
    """
    if (model, label) not in labels:
        raise invalid(f"Unrecognized servable version label: {label}")
    return labels[model, label]


def assign_labels(
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


def aspired(config: ModelConfig) -> dict[int, str]:
    """Returns the folders of the versions that should be served, by version.

    A version is a folder with a number as name and a SavedModel in it; a folder without a
    SavedModel is being copied.

    Raises:
        ServingError: If the base path does not exist, which does not mean that there are no
            versions: a disk may be missing for a moment (NOT_FOUND).
    """
    try:
        names = sorted(name.rstrip("/") for name in tf.io.gfile.listdir(config.base_path))
    except tf.errors.OpError as error:
        raise not_found(
            "FileSystemStoragePathSource encountered a filesystem access error: Could not find "
            f"base path {config.base_path} for servable {config.name} with error {error.message}"
        ) from error
    base = config.base_path.rstrip("/")
    folders = {int(name): f"{base}/{name}" for name in names if _is_version(name)}
    complete = [number for number, path in sorted(folders.items()) if _is_complete(path)]
    return {number: folders[number] for number in _choose(config, complete)}


def _choose(config: ModelConfig, numbers: list[int]) -> list[int]:
    policy = config.model_version_policy
    match policy.WhichOneof("policy_choice"):
        case "all":
            return numbers
        case "specific":
            return [number for number in numbers if number in policy.specific.versions]
        case _:
            return numbers[-max(policy.latest.num_versions, 1) :]


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdecimal() and int(name) <= MAX_VERSION


def _is_complete(path: str) -> bool:
    names = ("saved_model.pb", "saved_model.pbtxt")
    return any(tf.io.gfile.exists(f"{path}/{name}") for name in names)
