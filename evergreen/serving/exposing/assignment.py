"""The configuration of servers: the versions that the registry exposes, and their labels.

A pushed version is not exposed automatically: servers get *specific* versions, never the latest.
"""

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError
from evergreen.files import has_model
from evergreen.lineage import stages
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
from evergreen.serving.protos import ModelServerConfig
from evergreen.settings import Settings

EXPOSED = (Stage.SERVING, Stage.CANARY)
"""Stages that clients can reach; each is also the label of its version."""


class NothingToServeError(EvergreenError):
    """Raised when a model has no version to serve."""


def from_registry(
    settings: Settings, store: MetadataStore, base_path: str | None = None
) -> ModelServerConfig:
    """Returns the configuration of a server for the project's model.

    The serving version has the label `serving`, the canary the label `canary`. Versions without
    complete files are left out.

    Args:
        settings: The project's settings.
        store: The metadata store, with the registry.
        base_path: The folder of the versions on the server; None if it is the same as here.

    Raises:
        NothingToServeError: If there is no complete version to serve.
    """
    name, base = settings.model.name, settings.serving.base_path
    found = stages.stages(Registry(store, name).events())
    labels = {
        stage.value: version
        for version, stage in sorted(found.items())
        if stage in EXPOSED and has_model(base / str(version))
    }
    if not labels:
        raise NothingToServeError(
            f"model {name}: no version that is serving has its files in {base}.",
            hint="Push one with `evergreen run`, or see `evergreen models`.",
        )
    config = ModelServerConfig()
    model = config.model_config_list.config.add(
        name=name,
        base_path=base_path or str(base),
        model_platform="tensorflow",
        version_labels=labels,
    )
    model.model_version_policy.specific.versions.extend(sorted(labels.values()))
    return config
