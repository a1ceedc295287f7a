"""Retention: which artifacts nobody needs any more, and how they go.

An artifact is marked in ML Metadata before its files are touched, its folder goes by one rename,
and then it is marked as deleted. Whoever dies on the way leaves marks that the next one finishes,
or takes back, with the files, if the artifact is needed again by then: nothing live ever refers to
half a folder. Metadata stay: metrics, verdicts and lineage of a run outlive its artifacts. Pushed
versions stay too: going back to one needs it.
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
    """Some artifacts could not be removed."""


class RetentionConflictError(EvergreenError):
    """A run was planned meanwhile."""


@dataclass(frozen=True)
class Leaving:
    """What is to go.

    Attributes:
        artifacts: They are live, or marked by somebody who died.
        again: Ids of marked ones that are needed again.
        strange: Where those are that nobody needs, and that are left alone: not in a folder that
            an execution of this pipeline has made below its root.
        kept: How many stay.
        size: Of their files, in bytes.
        open_runs: The runs that had not ended when this was found.
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
        """Looks at nothing yet.

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
        """Finds what may go if the newest runs are kept, and whatever is in use.

        Args:
            keep: How many of the newest runs keep all that they read or made.

        Raises:
            RootError: If the files below the root are not surely this store's.
        """
        self._place.check()
        records = self._lineage.runs()
        found = list(self._artifacts())
        needed = self._needed(records, keep)
        begun = [one.created.timestamp() * 1000 for one in records if one.outcome is None]
        young = min(begun, default=float("inf"))
        stays = [one.id in needed or one.create_time_since_epoch >= young for one in found]
        leaving: list[mlmd.Artifact] = []
        strange: list[mlmd.Artifact] = []
        for one, stay in zip(found, stays, strict=True):
            if not stay:
                (leaving if self._place.owns(Path(one.uri)) else strange).append(one)
        return Leaving(
            artifacts=leaving,
            again=[
                one.id
                for one, stay in zip(found, stays, strict=True)
                if stay and one.state == State.MARKED_FOR_DELETION
            ],
            strange=[one.uri for one in strange],
            kept=sum(stays) + len(strange),
            size=sum(_size(Path(one.uri)) for one in leaving),
            open_runs=_open(records),
        )

    def carry_out(self, leaving: Leaving) -> None:
        """Lets them go. May be ended at any point, and begun again.

        Raises:
            RetentionConflictError: If a run was planned since they were found; nothing is gone.
            RootError: If the files below the root are not surely this store's.
            RetentionError: If some could not be moved; they are live again, and all others gone.
        """
        self._place.adopt()
        self._take_back(leaving.again)
        ids = [one.id for one in leaving.artifacts]
        self._set(ids, State.MARKED_FOR_DELETION)
        if _open(self._lineage.runs(Asked(outcome="none"))) - leaving.open_runs:
            self._take_back(ids)
            raise RetentionConflictError(
                "a run was planned meanwhile, and may need what was to go; nothing is gone.",
                hint="Find out again: evergreen gc",
            )
        taken, failed = [], []
        for one in leaving.artifacts:
            try:
                if self._take(one):
                    taken.append(one.id)
            except EvergreenError as error:
                failed.append((one.id, error))
        self._set(taken, State.DELETED)
        self._take_back([id_ for id_, _ in failed])
        for name in self._trash.names():
            if name.isdecimal() and self._is(int(name), State.DELETED):
                self._trash.forget(name)
        if failed:
            _, first = failed[0]
            message = f"{len(failed)} of {len(leaving.artifacts)} artifacts stay: {first}"
            raise RetentionError(message, hint=first.hint)

    def _take(self, one: mlmd.Artifact) -> bool:
        """Takes the files away, unless somebody has taken the mark back."""
        if not self._is(one.id, State.MARKED_FOR_DELETION):
            return False
        self._trash.take(Path(one.uri), str(one.id))
        return True

    def _is(self, artifact_id: int, state: int) -> bool:
        found = self._store.get_artifacts_by_id([artifact_id])
        return bool(found) and found[0].state == state

    def _artifacts(self) -> Iterator[mlmd.Artifact]:
        """Live and marked artifacts of the pipeline, with files below its root."""
        for one in self._store.get_artifacts(of_pipeline(self._pipeline).options()):
            is_there = one.state in (State.LIVE, State.MARKED_FOR_DELETION)
            if is_there and Path(one.uri).is_relative_to(self._root):
                yield one

    def _needed(self, records: Sequence[RunRecord], keep: int) -> set[int]:
        cache = latest_analyzer_cache(self._store, self._pipeline)
        needed = {cache} if cache else set()
        for record in self._kept(records, keep):
            needed |= set(self._lineage.run(record.run_id).artifacts)
        return self._with_descriptions(needed | protected(self._lineage))

    def _with_descriptions(self, needed: set[int]) -> set[int]:
        """Adds verdict and statistics of every span that stays: the next window asks for them."""
        for one in self._store.get_artifacts(data_verdicts().options()):
            told = one.custom_properties
            if told["examples_id"].int_value in needed:
                needed |= {one.id, told["statistics_id"].int_value}
        return needed

    @staticmethod
    def _kept(records: Sequence[RunRecord], keep: int) -> Iterator[RunRecord]:
        """The newest runs, and those from which one that has not ended may take results."""
        spans = {
            one.number for record in records if record.outcome is None for one in record.window
        }
        for place, record in enumerate(records):
            if place < keep or spans & {one.number for one in record.window}:
                yield record

    def _take_back(self, ids: Sequence[int]) -> None:
        """Takes marks back. What somebody who died had moved away is moved back before."""
        there: list[int] = []
        lost: list[int] = []
        for one in self._store.get_artifacts_by_id(ids) if ids else ():
            folder = Path(one.uri)
            self._trash.give_back(folder, str(one.id))
            (there if folder.exists() else lost).append(one.id)
        self._set(there, State.LIVE)
        self._set(lost, State.DELETED)

    def _set(self, ids: Sequence[int], state: int) -> None:
        found = self._store.get_artifacts_by_id(ids) if ids else []
        for one in found:
            one.state = state
        if found:
            self._store.put_artifacts(found)


def protected(lineage: Lineage) -> set[int]:
    """Returns the artifacts that must stay whatever is asked.

    They are the models in use, the one to go back to, and all that these were made of; and every
    other model that may be promoted, since the next run would be compared with it. An analyzer
    cache is no more than a shortcut: what it was made of is not followed.
    """
    versions = [one for one in lineage.versions() if one.artifact_id]
    in_use = {one.artifact_id for one in versions if one.stage in IN_USE}
    in_use |= _to_go_back_to(lineage)
    models = sorted(one for one in in_use if one)
    graph = lineage.graph(models, Way.UP, hops=FAR) if models else None
    usable = {one.artifact_id for one in versions if one.artifact_id}
    usable -= {one.artifact_id for one in versions if one.stage is Stage.REJECTED} - in_use
    return {one for one in usable if one} | (_ancestors(graph, models) if graph else set())


FAR = 100
"""Hops: the most that ml-metadata (1.17.1) goes, and more than lie between two caches."""


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
        one = waiting.pop()
        if one in found:
            continue
        found.add(one)
        if one not in graph.artifacts or graph.artifacts[one].type != CACHE:
            waiting += [up for maker in makers.get(one, []) for up in inputs.get(maker, [])]
    return found


def _open(records: Iterable[RunRecord]) -> frozenset[str]:
    return frozenset(record.run_id for record in records if record.outcome is None)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
