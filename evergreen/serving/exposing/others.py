"""Other projects' models on the same servers, which an exposure must not change."""

from collections.abc import Iterable
from pathlib import PurePath

from google.protobuf import text_format

from evergreen.errors import EvergreenError
from evergreen.serving.protos import ModelConfig, ModelServerConfig


def others(there: Iterable[ModelConfig], own: ModelConfig, where: str) -> list[ModelConfig]:
    """Returns the models of other projects.

    The folder tells whose a model is, since two projects may use the same name.

    Args:
        there: The models that are served.
        own: The project's model.
        where: The server, for error messages.

    Raises:
        EvergreenError: If another project's model is served under the own name.
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
    """Returns a configuration with a model, and other models."""
    config = ModelServerConfig()
    config.model_config_list.config.extend([*rest, model])
    return config


def parse(text: str, where: str) -> list[ModelConfig]:
    """Parses the models of a configuration in text.

    Raises:
        EvergreenError: If the text is not a configuration.
    """
    try:
        return list(text_format.Parse(text, ModelServerConfig()).model_config_list.config)
    except text_format.ParseError as error:
        raise EvergreenError(
            f"{where} holds no configuration of models: {error}. Nothing was changed.",
            hint="Mend it, or empty it: what it serves of others cannot be known.",
        ) from error


def told(rest: Iterable[ModelConfig]) -> str:
    """Names the other models, for people; empty if there are none."""
    names = ", ".join(sorted(model.name for model in rest))
    return f" Beside it, as before: {names}." if names else ""
