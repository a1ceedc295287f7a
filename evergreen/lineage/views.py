"""Results of the read API: frozen values that convert to JSON (`model_dump_json`)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from evergreen.files import has_model
from evergreen.files.versions import pushed_key
from evergreen.lineage.nodes import NodeState
from evergreen.lineage.stages import Event, Stage, Stay
from evergreen.runs.plan import Frozen, RunRecord


class ArtifactView(Frozen):
    """An artifact.

    Attributes:
        state: `live`, `deleted`, `pending`, ...
        properties: The properties of its type and its custom properties.
    """

    id: int
    type: str
    uri: str
    name: str
    state: str
    created: datetime
    properties: Mapping[str, str | int | float] = {}


class NodeView(Frozen):
    """One execution of a node in a run.

    Attributes:
        part: The part of the run: `span-00003-v01`, `train`; `train.2` for its second attempt.
        node: Its state, times, error, executor, host and memory.
        inputs: Ids of the artifacts it read, by key.
        outputs: Ids of the artifacts it made, by key.
    """

    part: str
    node: NodeState
    inputs: Mapping[str, tuple[int, ...]] = {}
    outputs: Mapping[str, tuple[int, ...]] = {}

    def made(self, key: str) -> tuple[int, ...]:
        """Returns ids of the artifacts that it made under a key."""
        return self.outputs.get(key, ())


class RunView(Frozen):
    """A run with its nodes and artifacts.

    Attributes:
        record: Request, code, settings and inputs; outcome, metrics and gates.
        nodes: Its executions, oldest first, including earlier attempts.
        artifacts: All artifacts that they read or made, by id.
    """

    record: RunRecord
    nodes: tuple[NodeView, ...]
    artifacts: Mapping[int, ArtifactView]

    @property
    def current(self) -> tuple[NodeView, ...]:
        """Returns the executions of the newest attempt of each part."""
        parts = {self.record.pipeline_run(part) for part in self.record.parts}
        return tuple(view for view in self.nodes if f"{self.record.run_id}.{view.part}" in parts)

    def made(self, node: str, key: str) -> list[ArtifactView]:
        """Returns the artifacts that a node of the newest attempt made under a key."""
        ids = [id_ for view in self.current if view.node.node_id == node for id_ in view.made(key)]
        return [self.artifacts[id_] for id_ in ids]


class VersionView(Frozen):
    """A model version.

    Attributes:
        stage: Its stage; None if it was never registered.
        artifact_id: The id of the Model artifact; None if it was never registered.
        path: The folder it was pushed to.
        events: The changes to it, oldest first.
        stays: Its past and present stages, oldest first.
    """

    version: int
    train_key: str
    stage: Stage | None = None
    artifact_id: int | None = None
    run_id: str = ""
    path: str = ""
    events: tuple[Event, ...] = ()
    stays: tuple[Stay, ...] = ()

    def folder(self, base_path: Path) -> Path:
        """Returns the folder of its files: its place below `base_path`, if that was moved there.

        Otherwise it is the folder it was pushed to.

        Args:
            base_path: The folder to which versions are pushed now.
        """
        here = base_path / str(self.version)
        is_here = has_model(here) and pushed_key(here) == self.train_key
        return here if is_here or not self.path else Path(self.path)


class Way(StrEnum):
    """A direction in the graph, seen from an artifact."""

    UP = "up"  # its sources
    DOWN = "down"  # its results
    BOTH = "both"


class GraphView(Frozen):
    """A part of the lineage graph: artifacts, executions, and the arrows between them.

    Attributes:
        artifacts: By id.
        executions: By id, with their run and node.
        read: Pairs of an artifact and the execution that read it.
        made: Pairs of an execution and an artifact that it made.
    """

    artifacts: Mapping[int, ArtifactView]
    executions: Mapping[int, "ExecutionView"]
    read: tuple[tuple[int, int], ...]
    made: tuple[tuple[int, int], ...]

    def maker(self, artifact_id: int) -> "ExecutionView | None":
        """Returns the execution that made an artifact, if it is in the graph.

        Later executions with the same output took it from the cache.
        """
        made = sorted(execution for execution, artifact in self.made if artifact == artifact_id)
        return self.executions[made[0]] if made else None


class ExecutionView(Frozen):
    """An execution in a graph: `run_id` is the run, `part` the part of it."""

    id: int
    node: str
    run_id: str
    part: str
    state: str


class Branch(Frozen):
    """Lineage as a tree for people.

    Attributes:
        kind: `model`, `run`, `examples`, `code`, ...
        name: Its name.
        text: A line about it.
        number: The number of the version, span or artifact; 0 for others.
        branches: The branches below it.
    """

    kind: str
    name: str
    text: str = ""
    number: int = 0
    branches: tuple["Branch", ...] = ()

    def walk(self) -> Iterator["Branch"]:
        """Yields this branch and all below it."""
        yield self
        for branch in self.branches:
            yield from branch.walk()
