"""One node of ours in a process of its own, as a container of a cluster runs it.

The first process plans the ingestion of the one span there is, and leaves the compiled pipeline for
those that run its other nodes.

Usage: python -m benchmarks.scale.ours NODE FOLDER SETTING=VALUE...
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.pipeline.variants import PROJECT
from evergreen.lineage.store import connection_config, open_store
from evergreen.planning.planner import Planner
from evergreen.runs.plan import Request
from evergreen.settings import Settings, load_settings

if TYPE_CHECKING:
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline

COMPILED = "ingest.pb"


def compiled(settings: Settings, file: Path) -> "Pipeline":
    """The pipeline that ingests the span: from a file, or else made now and written to it."""
    from tfx.proto.orchestration import pipeline_pb2

    if file.is_file():
        return pipeline_pb2.Pipeline.FromString(file.read_bytes())
    from evergreen.running.compilation import compile_plan

    planner = Planner(settings, open_store(settings.metadata))
    record = planner.plan(Request(requested_by="benchmark", reason="to compare"))
    [span] = record.window
    ir = compile_plan(settings, planner.ingest(record, span))
    file.write_bytes(ir.SerializeToString())
    return ir


def main() -> None:
    """Runs the node that the command line names."""
    node, folder, *overrides = sys.argv[1:]
    settings = load_settings(PROJECT, overrides=overrides)
    ir = compiled(settings, Path(folder, COMPILED))
    from evergreen.orchestrators.node import run_node

    run_node(ir, node, connection_config(settings.metadata))


if __name__ == "__main__":
    main()
