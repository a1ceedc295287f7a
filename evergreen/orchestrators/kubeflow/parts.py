"""Runs nodes of a run in a container, just as one process would have run them.

A restarted container continues where the last one died: finished nodes are not run again, and an
interrupted node is run as if for the first time (`run_node`).
"""

import logging
from collections.abc import Sequence

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError
from evergreen.lineage.nodes import NodeReader
from evergreen.lineage.records import RunRecords
from evergreen.lineage.run_artifacts import PartReader, artifacts_of
from evergreen.lineage.store import connection_config
from evergreen.planning.identity import take_digests
from evergreen.planning.planner import Planner
from evergreen.running.outcome import gate_report
from evergreen.runs.plan import Plan, RunRecord, SpanRef, ingest_plan, train_plan
from evergreen.runs.reports.data import DataReport
from evergreen.settings import Settings

log = logging.getLogger("evergreen")


class Parts:
    """Runs nodes of one run.

    Attributes:
        record: The run's current record.
    """

    def __init__(
        self, settings: Settings, store: MetadataStore, run_id: str, *, own_image: bool = False
    ) -> None:
        """Finds the run.

        Args:
            settings: The settings of the run.
            store: The metadata store.
            run_id: The run.
            own_image: Whether the packages may differ from those the run was planned with. The node
                is then recorded, and cached, with the packages of its image.
        """
        self._settings = settings
        self._store = store
        self._planner = Planner(settings, store)
        self.record: RunRecord = RunRecords(store).get(run_id)
        self._lock = take_digests(settings).lock if own_image else None

    def ingest(self, label: str, nodes: Sequence[str]) -> None:
        """Runs nodes of the ingesting half for one span.

        Raises:
            EvergreenError: If the run has no such span.
            NodeFailedError: If a node failed.
        """
        self._run(ingest_plan(self.record, self._span(label)), nodes)

    def gate(self, nodes: Sequence[str]) -> bool:
        """Runs the nodes that read the previous spans, for one span after another.

        Then fixes the inputs of training, unless an earlier attempt has done so.

        Returns:
            Whether to train; False if the data gate refused a span, or no training was requested.

        Raises:
            NodeFailedError: If a node failed.
        """
        for span in self.record.to_ingest:
            part = self._run(self._planner.ingest(self.record, span), nodes)
            if not gate_report(part, DataReport).blessed:
                log.warning("the data gate refused %s: the run ends here", span.label)
                return False
        if not self.record.request.train:
            return False
        if self.record.pins is None:
            self.record = self._planner.pin(self.record)
        return True

    def train(self, nodes: Sequence[str]) -> None:
        """Runs nodes of the training half.

        Raises:
            NodeFailedError: If a node failed.
        """
        self._run(train_plan(self.record), nodes)

    def _span(self, label: str) -> SpanRef:
        for span in self.record.to_ingest:
            if span.label == label:
                return span
        raise EvergreenError(
            f"run {self.record.run_id} does not ingest {label}.",
            hint=f"It ingests: {', '.join(span.label for span in self.record.to_ingest)}.",
        )

    def _run(self, plan: Plan, nodes: Sequence[str]) -> PartReader:
        if not self._are_done(plan, nodes):
            self._launch(self._with_own_lock(plan), nodes)
        part = PartReader(self._store, self.record.pipeline, plan.pipeline_run)
        for node in nodes:
            self._tell(part, node)
        return part

    def _are_done(self, plan: Plan, nodes: Sequence[str]) -> bool:
        """Returns whether nodes are done, before imports that take longer than such nodes."""
        states = NodeReader(self._store).states(self.record.pipeline, plan.pipeline_run)
        return {*nodes} <= {state.node_id for state in states if state.succeeded}

    def _launch(self, plan: Plan, nodes: Sequence[str]) -> None:
        from evergreen.orchestrators.node import node_ids, run_node
        from evergreen.running.compilation import compile_plan

        ir = compile_plan(self._settings, plan)
        for node in node_ids(ir):
            if node in nodes:
                run_node(ir, node, connection_config(self._settings.metadata))

    def _with_own_lock(self, plan: Plan) -> Plan:
        if self._lock is None:
            return plan
        digests = plan.digests.model_copy(update={"lock": self._lock})
        return plan.model_copy(update={"digests": digests})

    def _tell(self, part: PartReader, node: str) -> None:
        """Logs the ids in ML Metadata of a node's execution and outputs."""
        if node not in part.nodes:
            log.info("%s: is not a part of this run", node)  # the Pusher in an experiment
            return
        state = part.nodes[node]
        made = artifacts_of(self._store, state.execution_id)[1]
        ids = [f"{key} {artifact.id}" for key, found in made.items() for artifact in found]
        log.info(
            "%s: %s in %.1f s; ML Metadata: execution %d, artifacts %s",
            node, state.state, state.seconds, state.execution_id, ", ".join(ids) or "none",
        )  # fmt: skip
