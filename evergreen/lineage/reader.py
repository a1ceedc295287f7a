"""The read API: runs, their nodes and artifacts, model versions, and the graph between them.

    lineage = Lineage(open_store(settings.metadata), settings.model.name)
    lineage.runs(Asked(outcome="pushed", limit=10))
    lineage.run("20260101-120000-abcdef").made("Trainer", "model")

Each method makes a constant number of queries. No method reads the artifacts' files or needs
TensorFlow.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import CANDIDATES, EvergreenError, choose, complete
from evergreen.lineage.filters import Filter
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Event, RegistryError, stays
from evergreen.lineage.subgraphs import around_executions, from_artifacts
from evergreen.lineage.views import GraphView, RunView, VersionView, Way
from evergreen.runs.plan import Frozen, Outcome, RunRecord

FAR = 20
"""Default number of hops from an artifact in the graph: enough for everything within a run."""


class Asked(Frozen):
    """A selection of runs that satisfy all conditions; empty attributes set no condition.

    Attributes:
        outcome: Their outcome; `none` for runs that have not ended.
        by: The person or trigger that requested them.
        span: The number of a span in their window.
        version: The model version that they were to make.
        every_model: Whether runs of the store's other models are selected, too.
        since: The earliest time of planning.
        limit: The greatest number of runs, the newest first; 0 for all.
    """

    outcome: Outcome | Literal["none"] | None = None
    by: str = ""
    span: int | None = None
    version: int | None = None
    every_model: bool = False
    since: datetime | None = None
    limit: int = 0

    def conditions(self) -> list[Filter]:
        """Returns the conditions for the store, without `by`, since a name may be any text."""
        found = []
        if self.outcome:
            ended = "" if self.outcome == "none" else self.outcome
            found.append(Filter.has("outcome", ended))
        if self.span is not None:
            spans = f"%,{self.span},%"
            found.append(Filter("custom_properties.spans.string_value LIKE ?", spans))
        if self.version is not None:
            found.append(Filter.has("model_version", self.version))
        if self.since is not None:
            since = round(self.since.timestamp() * 1000)
            found.append(Filter("create_time_since_epoch >= ?", since))
        return found


def outcome_of(text: str) -> Outcome | Literal["none"] | None:
    """Parses an outcome to search for: an outcome, `none`, or the empty text.

    Raises:
        ChoiceError: If it is something else.
    """
    if text in ("", "none"):
        return "none" if text else None
    return Outcome(choose(text, (*Outcome, "none"), "outcome"))


class Lineage:
    """Reads one model's runs from a metadata store."""

    def __init__(self, store: MetadataStore, model: str) -> None:
        self._store = store
        self._records = RunRecords(store)
        self._registry = Registry(store, model)
        self._model = model

    def runs(self, asked: Asked | None = None) -> list[RunRecord]:
        """Returns the records of runs, newest first."""
        asked = asked or Asked()
        limit = None if asked.by else asked.limit or None
        own = [] if asked.every_model else [Filter.has("model", self._model)]
        found = self._records.newest(*asked.conditions(), *own, limit=limit)
        mine = [record for record in found if asked.by in ("", record.request.requested_by)]
        return mine[: asked.limit or None]

    def record(self, run_id: str) -> RunRecord:
        """Returns the record of a run, of which the beginning of its id is enough.

        It is the newest of the model if the id is empty.

        Raises:
            EvergreenError: If there is none.
        """
        if run_id:
            return self._records.find(run_id) or self._begun(run_id)
        if (newest := self._records.latest(model=self._model)) is None:
            raise EvergreenError("there is no run yet.", hint="Make one: evergreen run")
        return newest

    def _begun(self, beginning: str) -> RunRecord:
        found = {
            record.run_id: record for record in self._records.beginning(beginning, CANDIDATES + 1)
        }
        run_id = complete(beginning, found, "run")
        return found[run_id] if run_id else self._records.get(beginning)

    def run(self, run_id: str) -> RunView:
        """Returns a run with its nodes and artifacts; the newest if the id is empty.

        Raises:
            EvergreenError: If there is none.
        """
        record = self.record(run_id)
        own = Filter(
            "contexts_a.type = 'pipeline_run' AND contexts_a.name LIKE ?", f"{record.run_id}.%"
        )
        found = self._store.get_executions(own.options())
        graph = around_executions(self._store, sorted(int(execution.id) for execution in found))
        nodes = sorted(graph.nodes(record.run_id), key=lambda view: view.node.execution_id)
        return RunView(record=record, nodes=tuple(nodes), artifacts=graph.artifacts)

    def events(self) -> list[Event]:
        """Returns the log of the model, oldest event first."""
        return self._registry.events()

    def versions(self) -> list[VersionView]:
        """Returns all versions, oldest first, including those that are only reserved."""
        history = _History(self.events())
        return [history.version(*version) for version in sorted(self._registry.versions().items())]

    def version(self, number: int) -> VersionView:
        """Returns a version.

        Raises:
            RegistryError: If there is no version of that number.
        """
        key = self._registry.train_key(number)
        if key is None:
            there = ", ".join(map(str, sorted(self._registry.versions()))) or "none yet"
            raise RegistryError(
                f"there is no version {number}.", hint=f"There are: {there}. See: evergreen models"
            )
        return _History(self.events()).version(number, key)

    def run_of(self, version: VersionView) -> str:
        """Returns the run that made a version, or was to make it; empty if unknown."""
        if version.run_id:
            return version.run_id
        planned = self.runs(Asked(version=version.version, limit=1))
        return planned[0].run_id if planned else ""

    def graph(self, artifacts: Sequence[int], way: Way = Way.BOTH, hops: int = FAR) -> GraphView:
        """Returns the graph around artifacts.

        Args:
            artifacts: Their ids.
            way: Their sources, their results, or both.
            hops: The distance: one hop to an execution, one more to its artifacts.
        """
        return from_artifacts(self._store, artifacts, way, hops).view()


class _History:
    """The log of a model, by version."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._stays = stays(events)
        self._events: dict[int, list[Event]] = {}
        for event in events:
            self._events.setdefault(event.model.version, []).append(event)

    def version(self, number: int, train_key: str) -> VersionView:
        events, been = self._events.get(number, []), self._stays.get(number, [])
        told = events[0].evidence if events else {}
        return VersionView(
            version=number,
            train_key=train_key,
            stage=been[-1].stage if been else None,
            artifact_id=events[0].model.artifact_id if events else None,
            run_id=told.get("run", ""),
            path=told.get("path", ""),
            events=tuple(events),
            stays=tuple(been),
        )
