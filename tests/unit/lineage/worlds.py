"""A project with a history: the metadata of some runs, and the files that they would have left."""

from dataclasses import dataclass
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from benchmarks.lineage.history import make_history
from evergreen.lineage.reader import Lineage
from evergreen.lineage.registry import Registry
from evergreen.lineage.retention import Retention
from evergreen.lineage.roots import Root
from evergreen.lineage.store import open_store
from evergreen.runs.plan import RunRecord
from evergreen.settings import Settings, load_settings
from tests.project import ROOT, places


@dataclass(frozen=True)
class World:
    """The project, its store, and its runs, oldest first."""

    settings: Settings
    store: MetadataStore
    records: list[RunRecord]

    @classmethod
    def make(cls, folder: Path, runs: int, place: list[str] | None = None) -> "World":
        place = place or [f"metadata.sqlite={folder}/metadata.sqlite"]
        settings = load_settings(ROOT, overrides=[*places(folder), *place])
        store = open_store(settings.metadata)
        Root.of(settings, store).claim()  # as the first run does
        world = cls(settings, store, make_history(settings, store, runs))
        for artifact in store.get_artifacts():
            Path(artifact.uri).mkdir(parents=True)
            Path(artifact.uri, "data").write_text(artifact.name)
        for version in world.lineage.versions():
            if version.path:
                Path(version.path).mkdir(parents=True)
                Path(version.path, "saved_model.pb").touch()
        return world

    @property
    def lineage(self) -> Lineage:
        return Lineage(self.store, self.settings.model.name)

    @property
    def registry(self) -> Registry:
        return Registry(self.store, self.settings.model.name)

    @property
    def retention(self) -> Retention:
        pipeline = self.settings.pipeline
        return Retention(self.store, self.settings.model.name, pipeline.name, pipeline.root)

    def artifacts(self) -> dict[int, mlmd.Artifact]:
        return {int(artifact.id): artifact for artifact in self.store.get_artifacts()}

    def made(self, run: int, node: str, key: str) -> int:
        """The id of what a node of a run made."""
        [artifact] = self.lineage.run(self.records[run].run_id).made(node, key)
        return artifact.id
