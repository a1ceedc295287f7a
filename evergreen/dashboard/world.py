"""The data behind the pages: one use case, and one thread that reads its metadata store."""

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError
from evergreen.lineage.claims import state
from evergreen.lineage.reader import Lineage
from evergreen.lineage.records import RunRecords
from evergreen.lineage.stages import Stage
from evergreen.lineage.store import open_store
from evergreen.lineage.views import VersionView
from evergreen.monitoring.results import MonitoringResult, results
from evergreen.runs.plan import RunRecord
from evergreen.settings import Settings
from evergreen.triggers.log import TriggerLog

Answer = TypeVar("Answer")


@dataclass
class World:
    """A use case's settings, store and logs; only new entries are read again."""

    settings: Settings
    store: MetadataStore
    lineage: Lineage
    triggers: TriggerLog
    _results: dict[int, MonitoringResult] = field(default_factory=dict)

    @classmethod
    def open(cls, settings: Settings) -> "World":
        """Opens the store.

        Raises:
            EvergreenError: If it cannot be used.
        """
        store, model = open_store(settings.metadata), settings.model.name
        return cls(settings, store, Lineage(store, model), TriggerLog(store, model))

    def record(self, run_id: str) -> RunRecord:
        """Returns the record of a run; the beginning of its id is enough.

        Raises:
            EvergreenError: If there is none, or it is of another use case.
        """
        found = self.lineage.record(run_id)
        self._check_model({found.model}, f"run {found.run_id}")
        return found

    def check_artifact(self, artifact: int) -> None:
        """Refuses an artifact that only runs of other use cases have made or read.

        Raises:
            EvergreenError: If it is such an artifact.
        """
        contexts, records = self.store.get_contexts_by_artifact(artifact), RunRecords(self.store)
        names = (context.name for context in contexts if context.type == "pipeline_run")
        found = (records.find(name.partition(".")[0]) for name in names)
        self._check_model({record.model for record in found if record}, f"artifact {artifact}")

    def _check_model(self, models: set[str], what: str) -> None:
        if models and self.settings.model.name not in models:
            raise EvergreenError(
                f"{what} is of {', '.join(sorted(models))}, and not of {self.settings.use_case}.",
                hint="Look at it with the other use case.",
            )

    def state(self, record: RunRecord) -> str:
        """Returns a run's outcome, or whether it is running."""
        return state(record, self.settings.pipeline.root)

    def exposed(self) -> dict[Stage, VersionView]:
        """Returns the serving version and the canary, if they exist."""
        stages = (Stage.SERVING, Stage.CANARY)
        return {
            version.stage: version for version in self.lineage.versions() if version.stage in stages
        }

    def monitored(self) -> list[tuple[int, MonitoringResult]]:
        """Returns all monitoring results with their ids, oldest first."""
        newest = max(self._results, default=0)
        self._results |= dict(results(self.store, self.settings.model.name, newest))
        return sorted(self._results.items())

    def log(self) -> TriggerLog:
        """Returns the current log of the triggers."""
        self.triggers.refresh()
        return self.triggers


class UnavailableError(EvergreenError):
    """Raised when the metadata store cannot be used."""


class Reader:
    """Reads on a separate thread, so that a slow page does not block the network.

    Args:
        settings: The project's settings.
        seconds: The longest wait for a page.
    """

    def __init__(self, settings: Settings, seconds: float = 60) -> None:
        self.settings = settings
        self._seconds = seconds
        self._thread = ThreadPoolExecutor(1, "metadata")
        self._world: World | None = None

    async def read(self, look: Callable[[World], Answer]) -> Answer:
        """Returns the result of a function; reopens a store that has failed.

        Raises:
            UnavailableError: If the store cannot be used, or does not answer in time.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                return await loop.run_in_executor(self._thread, self._read, look)
        except TimeoutError as error:
            raise UnavailableError(
                f"the metadata store has not answered within {self._seconds:g} s.",
                hint="evergreen doctor",
            ) from error

    def _read(self, look: Callable[[World], Answer]) -> Answer:
        if self._world is None:
            try:
                self._world = World.open(self.settings)
                # Keeps imported objects out of garbage collection, which takes 0.2 s of a page.
                gc.freeze()
            except EvergreenError as error:
                raise UnavailableError(str(error), hint=error.hint) from error
        try:
            return look(self._world)
        except EvergreenError:  # nothing was found; the store is well
            raise
        except Exception:
            self._world = None
            raise
