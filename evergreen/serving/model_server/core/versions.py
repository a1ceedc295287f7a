"""The versions of a model that should be served, by its folder and the version policy."""

import tensorflow as tf
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from evergreen.serving.model_server.core.errors import not_found

MAX_VERSION = 2**63 - 1


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
