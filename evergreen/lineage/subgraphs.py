"""Parts of ML Metadata's graph, each read in few calls however many nodes it has."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.filters import Filter
from evergreen.lineage.nodes import NodeState
from evergreen.lineage.views import ArtifactView, ExecutionView, GraphView, NodeView, Way

Query = mlmd.LineageSubgraphQueryOptions
DIRECTIONS = {Way.UP: Query.UPSTREAM, Way.DOWN: Query.DOWNSTREAM, Way.BOTH: Query.BIDIRECTIONAL}
AT_ONCE = 100
"""The most nodes that a query may start from (ml-metadata 1.17.1)."""
PARTS = ("artifacts", "artifact_types", "executions", "contexts", "associations", "events")
MADE = (mlmd.Event.OUTPUT, mlmd.Event.DECLARED_OUTPUT)


@dataclass(frozen=True)
class Subgraph:
    """Artifacts, executions and events, with the contexts of the executions."""

    found: mlmd.LineageGraph

    @cached_property
    def artifacts(self) -> dict[int, ArtifactView]:
        """Returns the artifacts by id."""
        types = {type_.id: type_.name for type_ in self.found.artifact_types}
        return {
            artifact.id: view(artifact, types.get(artifact.type_id, artifact.type))
            for artifact in self.found.artifacts
        }

    @cached_property
    def contexts(self) -> Mapping[int, Mapping[str, str]]:
        """Returns the names of each execution's contexts, by type."""
        known = {context.id: context for context in self.found.contexts}
        names: dict[int, dict[str, str]] = defaultdict(dict)
        for pair in self.found.associations:
            if pair.context_id in known:
                context = known[pair.context_id]
                names[pair.execution_id][context.type] = context.name
        return names

    def nodes(self, run_id: str) -> Iterator[NodeView]:
        """Yields the executions of a run."""
        inputs, outputs = self._by_key()
        for execution in self.found.executions:
            contexts = self.contexts[execution.id]
            node = contexts["node"].removeprefix(f"{contexts['pipeline']}.")
            yield NodeView(
                part=contexts["pipeline_run"].removeprefix(f"{run_id}."),
                node=NodeState.of(node, execution),
                inputs={key: tuple(ids) for key, ids in inputs[execution.id].items()},
                outputs={key: tuple(ids) for key, ids in outputs[execution.id].items()},
            )

    def view(self) -> GraphView:
        """Returns the graph in the form of the read API."""
        executions = {
            int(execution.id): self._execution(execution) for execution in self.found.executions
        }
        pairs = [(event.artifact_id, event.execution_id, event.type) for event in self.found.events]
        return GraphView(
            artifacts=self.artifacts,
            executions=executions,
            read=tuple((artifact, by) for artifact, by, kind in pairs if kind not in MADE),
            made=tuple((by, artifact) for artifact, by, kind in pairs if kind in MADE),
        )

    def _execution(self, execution: mlmd.Execution) -> ExecutionView:
        contexts = self.contexts.get(execution.id, {})
        run_id, _, part = contexts.get("pipeline_run", "").partition(".")
        node = contexts.get("node", "").removeprefix(f"{contexts.get('pipeline', '')}.")
        state = mlmd.Execution.State.Name(execution.last_known_state).lower()
        node = node or execution.type  # for executions outside of the pipeline
        return ExecutionView(id=execution.id, node=node, run_id=run_id, part=part, state=state)

    def _by_key(self) -> tuple[dict[int, dict[str, list[int]]], ...]:
        sides: tuple[Any, Any] = (_lists(), _lists())
        for event in self.found.events:
            if event.path.steps:
                side = sides[event.type in MADE]
                side[event.execution_id][event.path.steps[0].key].append(event.artifact_id)
        return sides


def around_executions(store: MetadataStore, ids: Sequence[int]) -> Subgraph:
    """Reads executions with the artifacts that they read and made."""
    whole = mlmd.LineageGraph()
    for some in _batched(ids):
        asked = Query(max_num_hops=1, direction=Query.BIDIRECTIONAL)
        Filter("id IN ?", some).restrict(asked.starting_executions)
        whole.MergeFrom(store.get_lineage_subgraph(asked, PARTS))
    return Subgraph(whole)


def from_artifacts(store: MetadataStore, ids: Sequence[int], way: Way, hops: int) -> Subgraph:
    """Reads the sources of artifacts, or their results.

    Args:
        store: The metadata store.
        ids: The artifacts to start from.
        way: The direction.
        hops: The distance: one hop to an execution, one more to its artifacts.
    """
    whole = mlmd.LineageGraph()
    for some in _batched(ids):
        asked = Query(max_num_hops=hops, direction=DIRECTIONS[way])
        Filter("id IN ?", some).restrict(asked.starting_artifacts)
        whole.MergeFrom(store.get_lineage_subgraph(asked, PARTS))
    return Subgraph(whole)


def view(artifact: mlmd.Artifact, type_name: str = "") -> ArtifactView:
    """Returns an artifact in the form of the read API."""
    properties = {**artifact.properties, **artifact.custom_properties}
    return ArtifactView(
        id=artifact.id,
        type=type_name or artifact.type,
        uri=artifact.uri,
        name=artifact.name,
        state=mlmd.Artifact.State.Name(artifact.state).lower(),
        created=datetime.fromtimestamp(artifact.create_time_since_epoch / 1000, UTC),
        properties={
            key: getattr(value, kind)
            for key, value in properties.items()
            if (kind := value.WhichOneof("value")) in ("int_value", "double_value", "string_value")
        },
    )


def _lists() -> Any:
    return defaultdict(lambda: defaultdict(list))


def _batched(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
