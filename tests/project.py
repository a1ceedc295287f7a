"""The repository's project as tests use it: everything it writes goes to a folder of its own."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from rich.console import Console

from evergreen.lineage.nodes import NodeReader, NodeState
from evergreen.lineage.reader import Lineage
from evergreen.lineage.store import open_store
from evergreen.running.resumption import settings_of
from evergreen.running.run import Run
from evergreen.runs.plan import Request, RunRecord
from evergreen.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Ran:
    """A finished run.

    Attributes:
        record: Its record.
        text: What a person saw.
        nodes: States by part (`span-00001-v01`, `train`) and node.
    """

    record: RunRecord
    text: str
    nodes: dict[str, dict[str, NodeState]]


class Project:
    """The repository's project, with everything it writes in a folder of its own."""

    def __init__(self, folder: Path, use_case: str = "") -> None:
        self.folder, self.use_case = folder, use_case
        self.overrides = (*places(folder), f"metadata.sqlite={folder}/metadata.sqlite")
        if use_case:  # which has folders of its own below the root
            self.overrides = (f"root={folder}", "serving.exposure.by=hand")
        self.settings = self.with_settings()
        self.store: MetadataStore = open_store(self.settings.metadata)

    def with_settings(self, *overrides: str) -> Settings:
        return load_settings(ROOT, overrides=[*self.overrides, *overrides], use_case=self.use_case)

    def run(self, spans: str, overrides: Sequence[str] = (), **request: bool) -> Ran:
        shown = Console(file=io.StringIO(), width=120)
        asked = Request(spans=spans, requested_by="tester", reason="a test", **request)
        record = Run(self.with_settings(*overrides), shown)(asked)
        return self.ran(record, shown.file.getvalue())

    def resume(self, run_id: str, rerun_from: str = "") -> Ran:
        shown = Console(file=io.StringIO(), width=120)
        settings = settings_of(self.settings, self.store, run_id)
        return self.ran(Run(settings, shown).resume(run_id, rerun_from), shown.file.getvalue())

    def ran(self, record: RunRecord, text: str) -> Ran:
        """What a run has left."""
        return Ran(record, text, {part: self.nodes(record, part) for part in record.parts})

    @property
    def lineage(self) -> Lineage:
        return Lineage(self.store, self.settings.model.name)

    def nodes(self, record: RunRecord, part: str) -> dict[str, NodeState]:
        states = NodeReader(self.store).states(record.pipeline, record.pipeline_run(part))
        return {state.node_id: state for state in states}

    def pushed(self) -> dict[str, bytes]:
        """Every file that a model server would find, by its path."""
        base = self.settings.serving.base_path
        files = (path for path in base.rglob("*") if path.is_file())
        return {str(path.relative_to(base)): path.read_bytes() for path in files}


def places(folder: Path) -> tuple[str, ...]:
    """Settings overrides that put everything but the metadata into a folder."""
    return (
        f"pipeline.root={folder}/pipeline",
        f"data.spans={folder}/spans",
        f"serving.base_path={folder}/serving",
        f"reports.folder={folder}/reports",
        f"logs.folder={folder}/logs",
        f"gateway.log.folder={folder}/predictions",
        f"replay.folder={folder}/replay",
        f"monitoring.folder={folder}/monitoring",
        f"monitoring.labels.folder={folder}/labels",
        "serving.exposure.by=hand",  # no server that happens to run here is told
    )


def edges(store: MetadataStore, pipeline_run: str) -> list[tuple[str, str, str, str, bool]]:
    """What each node took and gave: node, state, key, artifact type, whether it came in."""
    context = store.get_context_by_type_and_name("pipeline_run", pipeline_run)
    types = {type_.id: type_.name for type_ in store.get_artifact_types()}
    found = []
    for execution in store.get_executions_by_context(context.id):
        node = next(
            c.name for c in store.get_contexts_by_execution(execution.id) if c.type == "node"
        )
        state = mlmd.Execution.State.Name(execution.last_known_state)
        for event in store.get_events_by_execution_ids([execution.id]):
            [artifact] = store.get_artifacts_by_id([event.artifact_id])
            incoming = event.type == mlmd.Event.INPUT
            key = event.path.steps[0].key
            found.append((node, state, key, types[artifact.type_id], incoming))
    return sorted(found)
