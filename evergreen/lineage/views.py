"""What the read API answers with: frozen values that turn into JSON (`model_dump_json`)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum

from evergreen.lineage.nodes import NodeState
from evergreen.lineage.stages import Event, Stage, Stay
from evergreen.runs.plan import Frozen, RunRecord


class ArtifactView(Frozen):
    """An artifact.

    Attributes:
        state: `live`, `deleted`, `pending`, ...
        properties: Those of its type and its own.
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
        outputs: Ids of those it made, by key.
    """

    part: str
    node: NodeState
    inputs: Mapping[str, tuple[int, ...]] = {}
    outputs: Mapping[str, tuple[int, ...]] = {}

    def made(self, key: str) -> tuple[int, ...]:
        """Ids of the artifacts that it made under a key."""
        return self.outputs.get(key, ())


class RunView(Frozen):
    """A run with everything that it did.

    Attributes:
        record: Who asked for what and why; code, settings and inputs; outcome, metrics, gates.
        nodes: Its executions, oldest first; earlier attempts too.
        artifacts: All that they read or made, by id.
    """

    record: RunRecord
    nodes: tuple[NodeView, ...]
    artifacts: Mapping[int, ArtifactView]

    @property
    def current(self) -> tuple[NodeView, ...]:
        """The executions of the newest attempt of each part."""
        parts = {self.record.pipeline_run(part) for part in self.record.parts}
        return tuple(one for one in self.nodes if f"{self.record.run_id}.{one.part}" in parts)

    def made(self, node: str, key: str) -> list[ArtifactView]:
        """Returns what a node of the newest attempt made under a key."""
        ids = [id_ for one in self.current if one.node.node_id == node for id_ in one.made(key)]
        return [self.artifacts[id_] for id_ in ids]


class VersionView(Frozen):
    """A model version.

    Attributes:
        stage: Where it stands; None if it was never registered.
        artifact_id: Of the Model artifact; None if it was never registered.
        path: The folder it was pushed to.
        events: What was done to it, oldest first.
        stays: The stages that it has been in, oldest first.
    """

    version: int
    train_key: str
    stage: Stage | None = None
    artifact_id: int | None = None
    run_id: str = ""
    path: str = ""
    events: tuple[Event, ...] = ()
    stays: tuple[Stay, ...] = ()


class Way(StrEnum):
    """Where to go from an artifact."""

    UP = "up"  # what it was made of
    DOWN = "down"  # what was made of it
    BOTH = "both"


class GraphView(Frozen):
    """A piece of the lineage graph: artifacts, executions, and who read and made what.

    Attributes:
        artifacts: By id.
        executions: By id: the run they are of, and the node.
        read: Pairs of an artifact and the execution that read it.
        made: Pairs of an execution and the artifact that it made.
    """

    artifacts: Mapping[int, ArtifactView]
    executions: Mapping[int, "ExecutionView"]
    read: tuple[tuple[int, int], ...]
    made: tuple[tuple[int, int], ...]

    def maker(self, artifact_id: int) -> "ExecutionView | None":
        """Returns the first execution that made an artifact, if it is in the graph.

        Others that have it as their output took it from the cache.
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
    """Lineage as a tree that a person reads.

    Attributes:
        kind: What it is: `model`, `run`, `examples`, `code`, ...
        name: Which one.
        text: What is to be known of it, in a line.
        number: Of the version, the span or the artifact that it is; 0 if it is none.
        branches: What is below it.
    """

    kind: str
    name: str
    text: str = ""
    number: int = 0
    branches: tuple["Branch", ...] = ()

    def walk(self) -> Iterator["Branch"]:
        """Yields itself and all below."""
        yield self
        for one in self.branches:
            yield from one.walk()
