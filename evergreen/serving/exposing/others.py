"""Models of others on the same servers: an exposure changes its own model, and leaves them."""

from collections.abc import Iterable
from pathlib import PurePath

from google.protobuf import text_format

from evergreen.errors import EvergreenError
from evergreen.serving.exposing.protos import ModelConfig, ModelServerConfig


def others(there: Iterable[ModelConfig], own: ModelConfig, where: str) -> list[ModelConfig]:
    """Returns the models that are none of ours.

    Whose a model is, its folder tells: two projects may have given theirs the same name.

    Args:
        there: What is served.
        own: What is to be.
        where: The server, for a person.

    Raises:
        EvergreenError: If what is served by the name of ours is somebody else's.
    """
    found = []
    for model in there:
        if model.name != own.name:
            found.append(model)
        elif PurePath(model.base_path) != PurePath(own.base_path):
            raise EvergreenError(
                f"{where} serves model {own.name} from {model.base_path}, and not from "
                f"{own.base_path}: it is not this project's. Nothing was changed.",
                hint="Give this project servers of its own: gateway.backend.grpc and .rest; or, if "
                "its folder has moved, start the server again.",
            )
    return found


def merged(model: ModelConfig, rest: Iterable[ModelConfig]) -> ModelServerConfig:
    """Returns a configuration of a model, and of others."""
    config = ModelServerConfig()
    config.model_config_list.config.extend([*rest, model])
    return config


def parse(text: str, where: str) -> list[ModelConfig]:
    """Reads the models of a configuration in text.

    Raises:
        EvergreenError: If it is none.
    """
    try:
        return list(text_format.Parse(text, ModelServerConfig()).model_config_list.config)
    except text_format.ParseError as error:
        raise EvergreenError(
            f"{where} holds no configuration of models: {error}. Nothing was changed.",
            hint="Mend it, or empty it: what it serves of others cannot be known.",
        ) from error


def told(rest: Iterable[ModelConfig]) -> str:
    """Names the models of others, for a person; empty without any."""
    names = ", ".join(sorted(model.name for model in rest))
    return f" Beside it, as before: {names}." if names else ""
