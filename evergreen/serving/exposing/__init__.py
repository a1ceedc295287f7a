"""Tells servers which versions the registry exposes, and under which labels."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evergreen.settings.exposure import ByConfigMap, ByHand, ByKServe, ByReload

if TYPE_CHECKING:
    from ml_metadata.metadata_store import MetadataStore

    from evergreen.serving.protos import ModelServerConfig
    from evergreen.settings import Settings

__all__ = ["Exposer", "expose"]
LOCK = ".exposing.lock"


def expose(settings: "Settings", store: "MetadataStore") -> str:
    """Makes the servers serve the exposed versions of the project's model; other models stay.

    It may be repeated at any time. Requests are answered throughout.

    Args:
        settings: The project's settings; `serving.exposure` names the servers.
        store: The metadata store, with the registry.

    Returns:
        A description of what was done, for people.

    Raises:
        EvergreenError: If nothing can be exposed, the servers cannot be told, or a version cannot
            be served.
    """
    from evergreen.serving.exposing.assignment import from_registry

    exposure = settings.serving.exposure
    if isinstance(exposure, ByHand):
        return "no server was told: serving.exposure.by is hand."
    with _one_at_a_time(settings.root):
        return _expose(settings, exposure, from_registry(settings, store, exposure.base_path))


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Waits for other exposures of the root's use cases.

    Each exposure keeps what it finds of the other models, and would take back a change that another
    one makes meanwhile.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _expose(
    settings: "Settings", exposure: "ByReload | ByConfigMap | ByKServe", config: "ModelServerConfig"
) -> str:
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
    """Exposes repeatedly; picklable, for use in another process.

    Attributes:
        settings: The project's settings.
    """

    settings: "Settings"

    def expose(self) -> str:
        """Exposes once, as the function `expose` does. Raises EvergreenError."""
        from evergreen.lineage.store import open_store

        return expose(self.settings, open_store(self.settings.metadata))
