"""Exposing: the servers are told which versions the registry exposes, and by which labels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evergreen.settings.exposure import ByConfigMap, ByHand, ByKServe, ByReload

if TYPE_CHECKING:
    from ml_metadata.metadata_store import MetadataStore

    from evergreen.settings import Settings

__all__ = ["Exposer", "expose"]


def expose(settings: "Settings", store: "MetadataStore") -> str:
    """Has the servers serve what the registry exposes of the project's model; other models stay.

    To be repeated as often as one likes. Requests are answered all the time.

    Args:
        settings: The project's settings; `serving.exposure` tells which servers, and how.
        store: The metadata store, with the registry.

    Returns:
        What was done, for a person.

    Raises:
        EvergreenError: If nothing can be exposed, the servers could not be told, or a version
            cannot be served.
    """
    from evergreen.serving.exposing.assignment import from_registry

    exposure = settings.serving.exposure
    if isinstance(exposure, ByHand):
        return "no server was told: serving.exposure.by is hand."
    config = from_registry(settings, store, exposure.base_path)
    match exposure:
        case ByReload():
            from evergreen.serving.exposing.reload import reload

            return reload(config, settings.gateway.backend, exposure)
        case ByConfigMap():
            from evergreen.serving.exposing.config_map import write

            return write(config, exposure)
        case ByKServe():
            from evergreen.serving.exposing.kserve import patch

            return patch(config, exposure, settings.serving.base_path)


@dataclass(frozen=True)
class Exposer:
    """Exposes again and again; it can be pickled, for a process of its own.

    Attributes:
        settings: The project's settings.
    """

    settings: "Settings"

    def expose(self) -> str:
        """As the function. Raises EvergreenError."""
        from evergreen.lineage.store import open_store

        return expose(self.settings, open_store(self.settings.metadata))
