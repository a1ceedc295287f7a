"""Ours with stock's nodes: the project's own graph, without what stock has no counterpart for.

It goes the way of `evergreen run`: plan, compile, one node after the other, progress from
ML Metadata. CuratedSchema stays, since other nodes read it. Pusher, which in the graph waits for
the gates, takes the model from Trainer.

Usage: python -m benchmarks.pipeline.same SETTING=VALUE...
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.pipeline.terms import KEPT_NODES
from evergreen.lineage.run_artifacts import PartReader
from evergreen.lineage.store import connection_config, open_store
from evergreen.planning.planner import Planner
from evergreen.running.progress import LiveView
from evergreen.runs.plan import Pins, Plan, Request, train_plan
from evergreen.settings import Settings, load_settings

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_component import BaseComponent
    from tfx.orchestration.pipeline import Pipeline

PROJECT = Path(__file__).parents[2]


def create_pipeline(settings: Settings, plan: Plan) -> "Pipeline":
    """The pipeline of `pipeline/graph.py`, with stock's nodes alone."""
    from tfx.orchestration.pipeline import Pipeline

    from pipeline import graph

    if plan.ingest:
        nodes = graph.ingest(settings, plan.ingest)
    else:
        nodes = graph.train(settings, plan.train.model_copy(update={"model_version": None}))
        nodes.append(_pusher(settings, plan, nodes))
    return Pipeline(
        pipeline_name=settings.pipeline.name,
        pipeline_root=str(settings.pipeline.root),
        components=[node for node in nodes if node.id in KEPT_NODES],
        enable_cache=plan.cache,
        beam_pipeline_args=settings.beam.args,
    )


def _pusher(settings: Settings, plan: Plan, nodes: "list[BaseComponent]") -> "BaseComponent":
    from tfx.proto import pusher_pb2

    from evergreen.components.pusher import Pusher

    [trainer] = [node for node in nodes if node.id == "Trainer"]
    folder = pusher_pb2.PushDestination.Filesystem(base_directory=str(settings.serving.base_path))
    train = plan.train
    return Pusher(
        model=trainer.outputs["model"],
        push_destination=pusher_pb2.PushDestination(filesystem=folder),
        custom_config={"model_version": train.model_version, "train_key": train.train_key},
    )


def run(settings: Settings, console: Console) -> None:
    """Ingests the one span there is, and trains on it."""
    store = open_store(settings.metadata)
    planner = Planner(settings, store)
    record = planner.plan(Request(requested_by="benchmark", reason="to compare"))
    [span] = record.window
    ingest = planner.ingest(record, span)
    _run_plan(settings, ingest, console)
    ingested = PartReader(store, record.pipeline, ingest.pipeline_run)
    [examples] = ingested.outputs("ExampleGen")["examples"]
    # Without a data gate nothing is blessed, which is what the planner would look for.
    _run_plan(settings, train_plan(record.with_pins(Pins(examples=(examples.id,)))), console)


def _run_plan(settings: Settings, plan: Plan, console: Console) -> None:
    from evergreen.orchestrators.local import LocalOrchestrator
    from evergreen.running.compilation import compile_plan

    ir = compile_plan(settings, plan)
    connection = connection_config(settings.metadata)
    with LiveView(console, connection, ir.pipeline_info.id, {plan.pipeline_run: ""}):
        LocalOrchestrator().run(ir, connection, settings.pipeline.nodes_at_once)


if __name__ == "__main__":
    run(load_settings(PROJECT, overrides=sys.argv[1:]), Console())
