"""Finds mismatches between ML Metadata, the artifacts' files and the pushed versions.

Repairs what can be repaired without losing anything, and names the rest with advice.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import EvergreenError
from evergreen.files import OutsideError, Trash, abandoned, below, has_model, remove_abandoned
from evergreen.files.versions import pushed_key
from evergreen.lineage.artifacts import of_pipeline
from evergreen.lineage.claims import Claims
from evergreen.lineage.filters import Filter
from evergreen.lineage.nodes import ACTIVE, cancel_active, executions
from evergreen.lineage.reader import Asked, Lineage
from evergreen.lineage.records import RunRecords
from evergreen.lineage.retention import protected
from evergreen.lineage.roots import Root
from evergreen.lineage.stages import Stage
from evergreen.lineage.views import VersionView
from evergreen.runs.plan import Outcome, RunRecord
from evergreen.settings import Settings

State = mlmd.Artifact.State


@dataclass(frozen=True)
class Fault:
    """A mismatch.

    Attributes:
        kind: `died run`, `missing files`, `unknown files`, `half a version`, ...
        what: The thing concerned, and what is wrong with it.
        hint: What a person can do if a repair is not safe.
        repair: Removes the mismatch; None if that is not safe.
    """

    kind: str
    what: str
    hint: str = ""
    repair: Callable[[], object] | None = None


class Doctor:
    """Examines one project; changes nothing until a fault's `repair` is called."""

    def __init__(self, settings: Settings, store: MetadataStore) -> None:
        """Reads nothing yet."""
        self._store, self._root = store, settings.pipeline.root
        self._pipeline = settings.pipeline.name
        self._pushed = settings.serving.base_path
        self._lineage = Lineage(store, settings.model.name)
        self._claims = Claims(self._root)
        self._place, self._trash = Root.of(settings, store), Trash(self._root)

    def examine(self) -> list[Fault]:
        """Returns all mismatches."""
        records = self._lineage.runs(Asked(every_model=True))
        alive = [record for record in records if self._is_alive(record)]
        known = list(self._store.get_artifacts())
        return [
            *self._died(records),
            *self._stuck(records),
            *self._files(known, is_at_rest=not alive),
            *self._versions(records),
        ]

    def take_over(self, old: Path) -> int:
        """Records that the root was moved; returns how many artifacts were below the old one.

        Args:
            old: The former root.

        Raises:
            EvergreenError: If a run is under way, or the files here do not come from the old root.
        """
        records = self._lineage.runs(Asked(every_model=True))
        if alive := [record.run_id for record in records if self._is_alive(record)]:
            raise EvergreenError(f"run {alive[0]} is under way.", hint="Wait for its end.")
        return self._place.take_over(old.absolute())

    def _files(self, known: Sequence[mlmd.Artifact], *, is_at_rest: bool) -> Iterator[Fault]:
        if doubt := self._place.doubt(known):
            yield Fault(doubt.kind, doubt.what, doubt.hint)
            return
        own = of_pipeline(self._pipeline).options()
        yield from self._missing_files(self._store.get_artifacts(own))
        if is_at_rest:  # nodes write files before they record them, and delete them after
            yield from self._unknown_files(known)

    def _is_alive(self, record: RunRecord) -> bool:
        works = record.is_remote or self._claims.is_held(record.run_id)
        return record.outcome is None and works

    def _died(self, records: Sequence[RunRecord]) -> Iterator[Fault]:
        for record in records:
            if record.outcome is None and not self._is_alive(record):
                what = f"run {record.run_id} has no outcome, and nobody works on it"
                yield Fault("died run", what, repair=partial(self._end, record))

    def _stuck(self, records: Sequence[RunRecord]) -> Iterator[Fault]:
        active = Filter("last_known_state = RUNNING OR last_known_state = NEW")
        stuck = {execution.id for execution in self._store.get_executions(active.options())}
        for record in records if stuck else ():
            if record.outcome is None:  # running, or reported as a died run
                continue
            runs = [record.pipeline_run(part) for part in record.parts]
            ids = [
                execution.id
                for run in runs
                for execution in executions(self._store, run)
                if execution.last_known_state in ACTIVE
            ]
            if ids:
                what = f"run {record.run_id} has ended; execution {ids[0]} of it is RUNNING"
                repair = partial(cancel_active, self._store, runs)
                yield Fault("stuck execution", what, repair=repair)

    def _missing_files(self, own: Sequence[mlmd.Artifact]) -> Iterator[Fault]:
        gone = [
            artifact
            for artifact in own
            if artifact.state == State.LIVE
            and self._is_below(artifact.uri)
            and not os.path.exists(artifact.uri)
        ]
        needed = protected(self._lineage) if gone else set()
        # A missing root means a volume that is not mounted: nothing is lost.
        is_there = self._root.is_dir()
        for artifact in gone:
            what = f"{artifact.type} {artifact.id}: its files are not at {artifact.uri}"
            if artifact.id in needed or not is_there:
                yield Fault("missing files", what, "restore them from a backup")
            else:
                yield Fault("missing files", what, repair=partial(self._delete, artifact.id))

    def _unknown_files(self, known: Sequence[mlmd.Artifact]) -> Iterator[Fault]:
        taken = _taken(known)
        for folder in sorted(self._root.glob("[!.]*/[!.]*/*")):
            if folder in taken or not folder.is_dir():
                continue
            what = f"{folder} is no artifact"
            if self._place.owns(folder):
                yield Fault("unknown files", what, repair=partial(self._remove, folder))
            else:
                why = "a link" if folder.is_symlink() else "not of an execution of this pipeline"
                yield Fault("unknown files", what, f"it is {why}: look at it, and remove it")
        for name in self._trash.names():
            if not name.isdecimal():  # `gc` handles the decimal names
                what = f"{self._trash.folder / name} was to be removed, and its remover died"
                yield Fault("unknown files", what, repair=partial(self._trash.forget, name))

    def _remove(self, folder: Path) -> None:
        """Removes a folder that is no artifact and that no run can be writing."""
        self._place.adopt()

        def may_go() -> bool:
            begun = self._lineage.runs(Asked(outcome="none", every_model=True))
            is_at_rest = not any(self._is_alive(record) for record in begun)
            return is_at_rest and folder not in _taken(self._store.get_artifacts())

        if not self._trash.remove(folder, may_go):
            raise EvergreenError(
                f"{folder}: a run has begun meanwhile; it is left alone.",
                hint="When it has ended: evergreen doctor --repair",
            )

    def _is_below(self, uri: str) -> bool:
        try:
            below(self._root, Path(uri))
        except OutsideError:
            return False
        return True

    def _versions(self, records: Sequence[RunRecord]) -> Iterator[Fault]:
        for folder in abandoned(self._pushed):
            what = f"{folder} is what a push that died has left"
            yield Fault("half a push", what, repair=partial(remove_abandoned, self._pushed))
        versions = {version.version: version for version in self._lineage.versions()}
        for version in versions.values():
            yield from self._registered(version)
        for folder in sorted(self._pushed.glob("[0-9]*")):
            number = versions.get(int(folder.name)) if folder.name.isdecimal() else None
            if number is None or number.stage is None:
                yield self._unregistered(folder, number, records)

    def _registered(self, version: VersionView) -> Iterator[Fault]:
        if version.stage in (None, Stage.ARCHIVED, Stage.REJECTED) or not version.path:
            return
        if not has_model(version.folder(self._pushed)):
            what = f"version {version.version} is {version.stage}, and not at {version.path}"
            yield Fault("missing version", what, "restore it, or: evergreen rollback")

    def _unregistered(
        self, folder: Path, version: VersionView | None, records: Sequence[RunRecord]
    ) -> Fault:
        key = pushed_key(folder)
        what = f"{folder} was pushed, and is not in the registry"
        if version is not None and key == version.train_key:
            runs = [record for record in records if record.train_key == key and record.can_go_on]
            hint = f"evergreen resume {runs[0].run_id}" if runs else "run the same again"
            return Fault("half a version", what, hint)
        return Fault("half a version", what, "it is of another store or project; move it away")

    def _end(self, record: RunRecord) -> None:
        cancel_active(self._store, map(record.pipeline_run, record.parts))
        RunRecords(self._store).update(record.ended(Outcome.INTERRUPTED))

    def _delete(self, artifact_id: int) -> None:
        [artifact] = self._store.get_artifacts_by_id([artifact_id])
        artifact.state = State.DELETED
        self._store.put_artifacts([artifact])


def _taken(known: Sequence[mlmd.Artifact]) -> set[Path]:
    """Returns the folders of artifacts, and all folders above them."""
    places = [Path(artifact.uri) for artifact in known if artifact.state != State.DELETED]
    return {folder for place in places for folder in (place, *place.parents)}
