"""Plays the stream under one policy: traffic, late labels, landing data, monitors, triggers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ml_metadata.metadata_store import MetadataStore
from numpy.typing import NDArray
from rich.console import Console

from evergreen.evaluation.sums import LOSSES
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage, stages
from evergreen.lineage.store import open_store
from evergreen.monitoring.monitor import monitor
from evergreen.monitoring.results import MonitoringResult, TrafficFinding, Window
from evergreen.replay.faults import Fault, Injected, of_data, of_labels, of_traffic
from evergreen.replay.inline import InlineLauncher
from evergreen.replay.stream import Piece
from evergreen.replay.traffic import Answers, send
from evergreen.replay.world import World
from evergreen.running.run import Run
from evergreen.runs.plan import Request
from evergreen.spans import publish_version
from evergreen.triggers import configured
from evergreen.triggers.controller import Controller
from evergreen.triggers.log import Ended, TriggerLog


@dataclass
class Played:
    """The result of one span.

    Attributes:
        number: The span's number.
        losses: The loss of each row, [n]: log loss, or absolute error.
        versions: The number of answers by each version.
        fired: The findings of monitoring that fired at the end of the span.
        runs: The outcomes of the controller's runs at that time.
        seconds: The duration of these runs.
    """

    number: int
    losses: NDArray[np.float64]
    versions: dict[int, int]
    fired: tuple[TrafficFinding, ...] = ()
    runs: Sequence[Ended] = ()
    seconds: float = 0.0


class Player:
    """Plays one policy.

    Args:
        world: The policy's world.
        fault: The fault to inject, and where; None for none.
        faulty: The spans with the fault.
        console: Shows the output of the runs.
    """

    def __init__(
        self, world: World, fault: Injected | None, faulty: range, console: Console
    ) -> None:
        self._world = world
        self._fault = fault
        self._faulty = faulty
        self._console = console
        self._settings = world.settings
        self._store: MetadataStore = open_store(world.settings.metadata)
        self._log = TriggerLog(self._store, world.settings.model.name)
        self._sent: list[tuple[Piece, Answers]] = []
        self._rows = 0

    def play(self, pieces: list[Piece]) -> list[Played]:
        """Plays all spans; the first model is trained on the first ones."""
        first = self._settings.replay.first_of(len(pieces))
        for piece in pieces[:first]:
            self._world.land(piece.path)
        asked = Request(spans=f"1-{first}", requested_by="replay", reason="the first model")
        Run(self._settings, self._console)(asked)
        controller = Controller(
            self._settings,
            self._store,
            configured.triggers(self._settings, self._store, self._log),
            InlineLauncher(self._settings, self._console),
            log=self._log,
        )
        controller.step(pieces[first - 1].end)
        with self._world.serving():
            return [self._play(piece, controller) for piece in pieces[first:]]

    def _play(self, piece: Piece, controller: Controller) -> Played:
        fault = self._fault if piece.number in self._faulty else None
        self._wait_for_gateway()
        rows = of_traffic(fault, piece.rows)
        gateway = f"127.0.0.1:{self._settings.gateway.port}"
        answers = send(
            gateway, self._settings.model.name, rows, piece.ids, self._settings.replay.requests
        )
        self._rows += len(answers.ids)
        self._world.wait_for_log(self._rows)
        counts = np.unique_counts(answers.versions)
        _, losses = LOSSES[self._settings.model.task]
        played = Played(
            piece.number,
            losses(piece.labels, answers.scores),
            dict(zip(counts.values.tolist(), counts.counts.tolist(), strict=True)),
        )
        self._sent.append((piece, answers))
        self._arrive()
        played.fired = self._monitor().fired
        known, started = len(self._log.of(Ended)), time.monotonic()
        controller.step(piece.end)
        played.runs = self._log.of(Ended)[known:]
        played.seconds = time.monotonic() - started if played.runs else 0.0
        return played

    def _arrive(self) -> None:
        """Delivers the labels and data of the previous span: both are one span late."""
        if len(self._sent) < 2:  # noqa: PLR2004
            return
        piece, answers = self._sent[-2]
        fault = self._fault if piece.number in self._faulty else None
        folder = self._settings.monitoring.labels.folder
        assert folder is not None
        folder.mkdir(parents=True, exist_ok=True)
        model = self._settings.model
        labels = of_labels(fault, piece.labels, model.task, len(model.classes) or 2)
        named = [model.classes[int(label)] for label in labels] if model.classes else labels
        table = pa.table({"request_id": answers.ids, "row": [0] * len(labels), "label": named})
        pq.write_table(table, folder / f"{piece.number:05d}.parquet")
        if fault is None or fault.fault is Fault.LABEL:
            self._world.land(piece.path)
            return
        read = pa.concat_tables(
            pq.read_table(file) for file in sorted(piece.path.glob("*.parquet"))
        )
        publish_version(self._settings.data.span_root, piece.number, of_data(fault, read))

    def _monitor(self) -> MonitoringResult:
        """Monitors the newest traffic, once enough time has passed to include the previous span."""
        windows = [answers.window for _, answers in self._sent]
        start = windows[-1].start
        before = windows[-2].start if len(windows) > 1 else start - timedelta(days=1)
        window = Window(start=start, end=start + (start - before))
        return monitor(self._settings, self._store, window, datetime.now(UTC))

    def _wait_for_gateway(self) -> None:
        """Waits until the gateway has noticed a pushed version, which is a canary."""
        events = Registry(self._store, self._settings.model.name).events()
        canary = next((v for v, s in stages(events).items() if s is Stage.CANARY), None)
        self._world.wait("the canary", lambda: self._world.healthz().get("canary") == canary)
