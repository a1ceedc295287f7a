"""What the commands that look at lineage open."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from evergreen.commands.options import read_settings

if TYPE_CHECKING:
    from ml_metadata.metadata_store import MetadataStore

    from evergreen.lineage.reader import Lineage
    from evergreen.runs.plan import RunRecord
    from evergreen.settings import Settings


@dataclass(frozen=True)
class Opened:
    """A project's settings, its metadata store, and the read API over it."""

    settings: "Settings"
    store: "MetadataStore"
    lineage: "Lineage"

    @classmethod
    def of(cls, project: Path, config: list[str], overrides: list[str]) -> Self:
        """Opens the store that the shared options lead to.

        Raises:
            EvergreenError: If it cannot be used.
        """
        settings = read_settings(project, config, overrides)

        from evergreen.lineage.reader import Lineage
        from evergreen.lineage.store import open_store

        store = open_store(settings.metadata)
        return cls(settings, store, Lineage(store, settings.model.name))

    def state(self, record: "RunRecord") -> str:
        """How a run ended, or whether it is running: `running`, `died` if nobody works on it."""
        from evergreen.lineage.claims import state

        return state(record, self.settings.pipeline.root)
