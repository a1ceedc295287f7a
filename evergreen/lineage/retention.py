"""Retention: finds the artifacts that are no longer needed, and removes them.

An artifact is marked in ML Metadata before its files are touched, its folder is moved away by one
rename, and then it is marked as deleted. If the process dies midway, the next one finishes what is
marked, or restores it, with the files, if it is needed again by then, so live artifacts always have
complete folders. Metadata stay: metrics, verdicts and lineage of a run outlive its artifacts.
Pushed versions stay too, so that a rollback can reach them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import EvergreenError
from evergreen.files import Trash
from evergreen.lineage import stages as log
from evergreen.lineage.artifacts import data_verdicts, latest_analyzer_cache, of_pipeline
from evergreen.lineage.reader import Asked, Lineage
from evergreen.lineage.roots import Root
from evergreen.lineage.stages import RegistryError, Stage
from evergreen.lineage.views import GraphView, Way
from evergreen.runs.plan import RunRecord

State = mlmd.Artifact.State
IN_USE = (Stage.SERVING, Stage.CANARY, Stage.CANDIDATE)
CACHE = "TransformCache"


class RetentionError(EvergreenError):
    """Raised when some artifacts could not be removed."""


class RetentionConflictError(EvergreenError):
    """Raised when a run was planned meanwhile."""


@dataclass(frozen=True)
class Leaving:
    """The artifacts to remove.

    Attributes:
        artifacts: Live, or marked by a process that died.
        again: Ids of marked artifacts that are needed again.
        strange: Paths of unneeded artifacts that are left alone, because no execution of this
            pipeline made their folder below its root.
        kept: The number of artifacts that stay.
        size: The bytes of the files to remove.
        open_runs: The runs that had not ended at that time.
    """

    artifacts: Sequence[mlmd.Artifact]
    again: Sequence[int]
    strange: Sequence[str]
    kept: int
    size: int
    open_runs: frozenset[str]


class Retention:
    """Retention of one project's artifacts."""

    def __init__(self, store: MetadataStore, model: str, pipeline: str, root: Path) -> None:
        """Reads nothing yet.

        Args:
            store: The metadata store.
            model: The name of the model.
            pipeline: The name of the pipeline.
            root: Artifacts outside of this folder are left alone.
        """
        self._store = store
        self._pipeline, self._root = pipeline, root
        self._place, self._trash = Root(store, pipeline, root), Trash(root)
        self._lineage = Lineage(store, model)

    def find(self, keep: int) -> Leaving:
        """Finds what can be removed if the newest runs, and everything in use, are kept.

        Args:
            keep: The number of newest runs that keep all that they read or made.

        Raises:
            RootError: If the files below the root may belong to another store.
        """
        self._place.check()
        records = self._lineage.runs()
        found = list(self._artifacts())
        needed = self._needed(records, keep)
        begun = [record.created.timestamp() * 1000 for record in records if record.outcome is None]
        young = min(begun, default=float("inf"))
        stays = [
            artifact.id in needed or artifact.create_time_since_epoch >= young for artifact in found
        ]
        leaving: list[mlmd.Artifact] = []
        strange: list[mlmd.Artifact] = []
        for artifact, stay in zip(found, stays, strict=True):
            if not stay:
                (leaving if self._place.owns(Path(artifact.uri)) else strange).append(artifact)
        return Leaving(
            artifacts=leaving,
            again=[
                artifact.id
                for artifact, stay in zip(found, stays, strict=True)
                if stay and artifact.state == State.MARKED_FOR_DELETION
            ],
            strange=[artifact.uri for artifact in strange],
            kept=sum(stays) + len(strange),
            size=sum(_size(Path(artifact.uri)) for artifact in leaving),
            open_runs=_open(records),
        )

    def carry_out(self, leaving: Leaving) -> None:
        """Removes the artifacts. Safe to interrupt at any point and to repeat.

        Raises:
            RetentionConflictError: If a run was planned since they were found; nothing is removed.
            RootError: If the files below the root may belong to another store.
            RetentionError: If some could not be moved; these are live again, and the others
                removed.
        """
        self._place.adopt()
        self._take_back(leaving.again)
        ids = [artifact.id for artifact in leaving.artifacts]
        self._set(ids, State.MARKED_FOR_DELETION)
        if _open(self._lineage.runs(Asked(outcome="none"))) - leaving.open_runs:
            self._take_back(ids)
            raise RetentionConflictError(
                "a run was planned meanwhile, and may need what was to go; nothing is gone.",
                hint="Find out again: evergreen gc",
            )
        taken, failed = [], []
        for artifact in leaving.artifacts:
            try:
                if self._take(artifact):
                    taken.append(artifact.id)
            except EvergreenError as error:
                failed.append((artifact.id, error))
        self._set(taken, State.DELETED)
        self._take_back([id_ for id_, _ in failed])
        for name in self._trash.names():
            if name.isdecimal() and self._is(int(name), State.DELETED):
                self._trash.forget(name)
        if failed:
            _, first = failed[0]
            message = f"{len(failed)} of {len(leaving.artifacts)} artifacts stay: {first}"
            raise RetentionError(message, hint=first.hint)

    def _take(self, artifact: mlmd.Artifact) -> bool:
        """Moves the files away, unless the artifact is no longer marked."""
        if not self._is(artifact.id, State.MARKED_FOR_DELETION):
            return False
        self._trash.take(Path(artifact.uri), str(artifact.id))
        return True

    def _is(self, artifact_id: int, state: int) -> bool:
        found = self._store.get_artifacts_by_id([artifact_id])
        return bool(found) and found[0].state == state

    def _artifacts(self) -> Iterator[mlmd.Artifact]:
        """Yields live and marked artifacts of the pipeline with files below its root."""
        for artifact in self._store.get_artifacts(of_pipeline(self._pipeline).options()):
            is_there = artifact.state in (State.LIVE, State.MARKED_FOR_DELETION)
            if is_there and Path(artifact.uri).is_relative_to(self._root):
                yield artifact

    def _needed(self, records: Sequence[RunRecord], keep: int) -> set[int]:
        cache = latest_analyzer_cache(self._store, self._pipeline)
        needed = {cache} if cache else set()
        for record in self._kept(records, keep):
            needed |= set(self._lineage.run(record.run_id).artifacts)
        return self._with_descriptions(needed | protected(self._lineage))

    def _with_descriptions(self, needed: set[int]) -> set[int]:
        """Adds verdict and statistics of every span that stays, for the next window."""
        for verdict in self._store.get_artifacts(data_verdicts().options()):
            told = verdict.custom_properties
            if told["examples_id"].int_value in needed:
                needed |= {verdict.id, told["statistics_id"].int_value}
        return needed

    @staticmethod
    def _kept(records: Sequence[RunRecord], keep: int) -> Iterator[RunRecord]:
        """Yields the newest runs, and those whose results an open run may reuse."""
        spans = {
            span.number for record in records if record.outcome is None for span in record.window
        }
        for place, record in enumerate(records):
            if place < keep or spans & {span.number for span in record.window}:
                yield record

    def _take_back(self, ids: Sequence[int]) -> None:
        """Unmarks artifacts, after moving back the files that a dead process had moved away."""
        there: list[int] = []
        lost: list[int] = []
        for artifact in self._store.get_artifacts_by_id(ids) if ids else ():
            folder = Path(artifact.uri)
            self._trash.give_back(folder, str(artifact.id))
            (there if folder.exists() else lost).append(artifact.id)
        self._set(there, State.LIVE)
        self._set(lost, State.DELETED)

    def _set(self, ids: Sequence[int], state: int) -> None:
        found = self._store.get_artifacts_by_id(ids) if ids else []
        for artifact in found:
            artifact.state = state
        if found:
            self._store.put_artifacts(found)


def protected(lineage: Lineage) -> set[int]:
    """Returns the artifacts that must stay whatever the settings.

    They are the models in use, the version that a rollback leads to, and everything they were made
    of; and every other model that can be promoted, since the next run would be compared with it.
    Analyzer caches only save time, so their sources are not followed.
    """
    versions = [version for version in lineage.versions() if version.artifact_id]
    in_use = {version.artifact_id for version in versions if version.stage in IN_USE}
    in_use |= _to_go_back_to(lineage)
    models = sorted(id_ for id_ in in_use if id_)
    graph = lineage.graph(models, Way.UP, hops=FAR) if models else None
    usable = {version.artifact_id for version in versions if version.artifact_id}
    usable -= {
        version.artifact_id for version in versions if version.stage is Stage.REJECTED
    } - in_use
    return {id_ for id_ in usable if id_} | (_ancestors(graph, models) if graph else set())


FAR = 100
"""The most hops that ml-metadata (1.17.1) follows; two caches are never that far apart."""


def _to_go_back_to(lineage: Lineage) -> set[int | None]:
    try:
        return {log.to_roll_back(lineage.events(), None).artifact_id}
    except RegistryError:
        return set()


def _ancestors(graph: GraphView, models: Iterable[int]) -> set[int]:
    makers: dict[int, list[int]] = {}
    for execution, artifact in graph.made:
        makers.setdefault(artifact, []).append(execution)
    inputs: dict[int, list[int]] = {}
    for artifact, execution in graph.read:
        inputs.setdefault(execution, []).append(artifact)
    found: set[int] = set()
    waiting = list(models)
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        if current not in graph.artifacts or graph.artifacts[current].type != CACHE:
            waiting += [up for maker in makers.get(current, []) for up in inputs.get(maker, [])]
    return found


def _open(records: Iterable[RunRecord]) -> frozenset[str]:
    return frozenset(record.run_id for record in records if record.outcome is None)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
