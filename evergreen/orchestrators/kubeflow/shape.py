"""The shape of the pipeline, read from its compiled form: nodes, edges and heavy nodes.

A deployed pipeline is static. So the definition is compiled once with made-up plans that pin every
input a plan may pin: that shows all possible nodes. The pins of single runs are put into the IR
when their nodes start.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evergreen.planning.identity import take_digests
from evergreen.runs.plan import (
    Digests,
    IngestPlan,
    ModelRef,
    Pins,
    Plan,
    SpanRef,
    TrainPlan,
)
from evergreen.settings import Settings

if TYPE_CHECKING:
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline


@dataclass(frozen=True)
class Node:
    """A node of a half of the pipeline.

    Attributes:
        name: Its id.
        upstream: Its upstream nodes.
        heavy: Whether it does the main work: it runs on Beam, or trains.
    """

    name: str
    upstream: frozenset[str]
    heavy: bool = False


@dataclass(frozen=True)
class Shape:
    """All nodes, upstream before downstream.

    Attributes:
        ingest: Nodes that can run for several spans at the same time.
        gate: Nodes of the ingesting half that read the previous spans, and all nodes after them:
            they run for one span after another, as in one process.
        train: Nodes of the training half.
    """

    ingest: tuple[Node, ...]
    gate: tuple[Node, ...]
    train: tuple[Node, ...]

    @property
    def names(self) -> list[str]:
        """The names of all nodes, without repetition."""
        return list(dict.fromkeys(node.name for node in (*self.ingest, *self.gate, *self.train)))


def shape_of(settings: Settings) -> Shape:
    """Compiles both halves of the pipeline, and returns their shape."""
    from evergreen.running.compilation import compile_plan

    digests = take_digests(settings)
    ingest = compile_plan(settings, _plan(digests, ingest=_INGEST))
    looking_back = _looking_back(ingest)
    nodes = _nodes(ingest)
    return Shape(
        ingest=tuple(node for node in nodes if node.name not in looking_back),
        gate=tuple(node for node in nodes if node.name in looking_back),
        train=tuple(_nodes(compile_plan(settings, _plan(digests, train=_TRAIN)))),
    )


def _nodes(ir: "Pipeline") -> list[Node]:
    from ml_metadata.proto.metadata_store_pb2 import ExecutionType
    from tfx.orchestration.local import runner_utils

    specs = runner_utils.extract_local_deployment_config(ir).executor_specs
    found = []
    for node in (node.pipeline_node for node in ir.nodes):
        beam = specs[node.node_info.id].WhichOneof("spec") == "beam_executable_spec"
        trains = node.node_info.type.base_type == ExecutionType.TRAIN
        upstream = frozenset(node.upstream_nodes)
        found.append(Node(node.node_info.id, upstream, heavy=beam or trains))
    return found


def _looking_back(ir: "Pipeline") -> set[str]:
    """Returns the nodes with a pinned input, which is another span's, and all nodes after them."""
    found: set[str] = set()
    for node in (node.pipeline_node for node in ir.nodes):  # upstream before downstream
        pinned = any(value.HasField("static_inputs") for value in node.inputs.inputs.values())
        if pinned or found.intersection(node.upstream_nodes):
            found.add(node.node_info.id)
    return found


def _plan(
    digests: Digests, ingest: IngestPlan | None = None, train: TrainPlan | None = None
) -> Plan:
    return Plan(
        pipeline_run="shape", title="", cache=True, digests=digests, ingest=ingest, train=train
    )


_SPAN = SpanRef(number=1, version=1, sha256="", path=Path("/span"), ingest_key="")
_INGEST = IngestPlan(
    span=_SPAN, previous_statistics=1, previous_in_window=True, window_statistics=(2,)
)
_TRAIN = TrainPlan(
    train_key="",
    pins=Pins(examples=(1, 2), analyzer_cache=3),
    baseline=ModelRef(version=1, artifact_id=4),
    model_version=2,
)
