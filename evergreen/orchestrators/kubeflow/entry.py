"""The entry point of the containers of a pipeline on Kubeflow.

    python -m evergreen.orchestrators.kubeflow.entry plan    writes the run record
    ... ingest   runs nodes for one span
    ... train    runs nodes of the training half; first those that look at the spans before
    ... finish   publishes the outcome

A gate's refusal is an outcome: exit code 0, so that nothing is retried. A failed node is exit code
1.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError
from evergreen.files import write_file
from evergreen.lineage.records import RunRecords
from evergreen.lineage.run_artifacts import RunReading
from evergreen.lineage.store import open_store
from evergreen.orchestrators.kubeflow import planning
from evergreen.orchestrators.kubeflow.figures import Figures, figures
from evergreen.orchestrators.kubeflow.outputs import GO_ON, STOP, Outputs
from evergreen.orchestrators.kubeflow.parts import Parts
from evergreen.reporting import report_path
from evergreen.runs.nodes import MODEL_GATE
from evergreen.runs.plan import TRAIN, Request, RunRecord
from evergreen.settings import Settings, find_project, load_settings

log = logging.getLogger("evergreen")


class Container:
    """One container: its arguments, the settings of its run, and its outputs."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.outputs = Outputs(arguments.executor_input)
        self.settings = self._load()
        self.store: MetadataStore = open_store(self.settings.metadata)

    def plan(self) -> None:
        """Writes the run record, and puts out the spans to ingest."""
        given = self.arguments
        overrides = (
            RunRecords(self.store).get(given.run).request.overrides
            if given.run  # it goes on with what it was planned with
            else planning.overrides_of(given.hyperparameters, given.pipeline_root)
        )
        self.settings = self._load(overrides)
        request = Request(
            spans=given.spans or None,
            requested_by=given.requested_by,
            reason=given.reason,
            experiment=given.experiment,
            cache=self.settings.pipeline.cache,
            overrides=overrides,
        )
        record = planning.start(self.settings, self.store, request, run_id=given.run, job=given.job)
        missing = [span.label for span in record.to_ingest]
        log.info("run %s: to ingest: %s", record.run_id, ", ".join(missing) or "nothing")
        self.outputs.parameter("record", record.run_id)
        self.outputs.parameter("missing", missing)

    def ingest(self) -> None:
        """Runs nodes for one span."""
        parts = self._parts()
        parts.ingest(self.arguments.span, self.arguments.nodes)
        self._show(parts.record, self._figures(parts.record, self.arguments.span))

    def train(self) -> None:
        """Runs nodes of the training half, if the data passed the gate."""
        parts = self._parts()
        gate = self.arguments.gate
        goes_on = parts.gate(gate) if gate is not None else True
        if goes_on:
            parts.train(self.arguments.nodes)
        self.outputs.parameter("training", GO_ON if goes_on else STOP)
        shown: Figures = {}
        for part in [*(span.label for span in parts.record.to_ingest if gate), TRAIN]:
            shown |= self._figures(parts.record, part)
        self._show(parts.record, shown)

    def finish(self) -> None:
        """Publishes the outcome, and the report."""
        from evergreen.reporting.page import render

        record = RunRecords(self.store).latest(job=self.arguments.job)
        if record is None:
            log.error("there is no run: the task `plan` failed; its log says why")
            return
        self.settings = self._load(record.request.overrides)
        record = planning.finish(self.settings, self.store, record)
        html = render(self.settings, self.store, record)
        self.outputs.page("page", html)
        try:
            write_file(report_path(self.settings, record.run_id), html)
        except OSError as error:  # the task has shown the report anyway
            log.error("no report was written: %s", error)
        self.outputs.metrics(
            "metrics", figures(RunReading(self.store, record), TRAIN, [MODEL_GATE])
        )

    def _parts(self) -> Parts:
        record = RunRecords(self.store).get(self.arguments.run)
        self.settings = self._load(record.request.overrides)
        own_image = self.arguments.own_image
        return Parts(self.settings, self.store, record.run_id, own_image=own_image)

    def _figures(self, record: RunRecord, part: str) -> Figures:
        nodes = [*(getattr(self.arguments, "gate", None) or ()), *self.arguments.nodes]
        return figures(RunReading(self.store, record), part, nodes)

    def _show(self, record: RunRecord, shown: Figures) -> None:
        """Puts out figures, and the report of the run so far."""
        from evergreen.reporting.page import render

        self.outputs.metrics("metrics", shown)
        self.outputs.page("page", render(self.settings, self.store, record))

    def _load(self, more: Sequence[str] = ()) -> Settings:
        project, given = find_project(Path()), self.arguments
        return load_settings(project, given.config, [*given.overrides, *more], given.use_case)


def main() -> None:
    """Runs one command; expected errors are printed without a traceback."""
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(message)s")
    arguments = parser().parse_args()
    commands: dict[str, Callable[[Container], None]] = {
        "plan": Container.plan,
        "ingest": Container.ingest,
        "train": Container.train,
        "finish": Container.finish,
    }
    try:
        commands[arguments.command](Container(arguments))
    except EvergreenError as error:
        log.error("%s", error)
        if error.hint:
            log.error("next: %s", error.hint)
        sys.exit(error.exit_code)


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    top = argparse.ArgumentParser(prog="evergreen.orchestrators.kubeflow.entry")
    commands = top.add_subparsers(dest="command", required=True)
    plan, ingest, train, finish = (
        _command(commands.add_parser(name)) for name in ("plan", "ingest", "train", "finish")
    )
    for name in ("run", "spans", "pipeline-root"):
        plan.add_argument(f"--{name}", default="")
    plan.add_argument("--requested-by", required=True)
    plan.add_argument("--reason", required=True)
    plan.add_argument("--experiment", type=json.loads, default=False, help="true or false")
    plan.add_argument("--hyperparameters", type=json.loads, default={}, help="JSON")
    for command in (plan, finish):
        command.add_argument("--job", required=True, help="Kubeflow's id of the run")
    for command in (ingest, train):
        command.add_argument("--run", required=True)
        command.add_argument("--nodes", type=_names, required=True)
        command.add_argument("--own-image", action="store_true")
    ingest.add_argument("--span", required=True)
    train.add_argument("--gate", type=_names, help="nodes that run for one span after the other")
    return top


def _command(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--use-case", default="")
    command.add_argument("--config", action="append", default=[])
    command.add_argument("--set", action="append", default=[], dest="overrides")
    command.add_argument("--executor-input", default="", help="where to put what: KFP's {{$}}")
    return command


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _leave() -> None:
    """Ends the process at once: the container is discarded, and TensorFlow is slow to shut down."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
    _leave()
