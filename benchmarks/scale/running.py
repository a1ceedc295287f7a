"""Runs a variant in a fresh process, and adds what its nodes took."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.measure import Measured, Trace, trace
from benchmarks.pipeline.comparing import node_states
from benchmarks.pipeline.terms import STOCKS_NAMES
from benchmarks.pipeline.variants import PROJECT
from benchmarks.scale.result import Run, Work
from evergreen.lineage.store import open_store
from evergreen.settings.models import MetadataSettings

OUR_NAMES = {theirs: ours for ours, theirs in STOCKS_NAMES.items()}


@dataclass(frozen=True)
class Command:
    """A process to be measured.

    Attributes:
        variant: What it is called.
        words: The program and its arguments.
        metadata: The ML Metadata store that has its nodes; None of a straight line, which says
            itself how long it worked.
        one_core: Whether it is held to one core.
    """

    variant: str
    words: Sequence[str]
    metadata: Path | None = None
    one_core: bool = False


@dataclass(frozen=True)
class Runner:
    """Runs commands.

    Attributes:
        logs: The folder of what they print.
        environment: Their environment variables.
        console: Shows a person how far it is.
    """

    logs: Path
    environment: Mapping[str, str]
    console: Console

    def run(self, command: Command, rows: int, node: str, title: str) -> Run:
        """Runs a command to its end.

        Args:
            command: The process.
            rows: Of its data.
            node: The name of the work of a straight line.
            title: For people, and of the log.
        """
        log = self.logs / f"{title}-{command.variant}.log".replace(" ", "-").replace(",", "")
        with self.console.status(f"{title}: {command.variant}"):
            measured, traced = trace(self._words(command), log, PROJECT, self.environment)
        work = (
            _of_nodes(command.metadata, measured, traced)
            if command.metadata
            else _of_script(log, node, measured, traced)
        )
        run = Run(variant=command.variant, rows=rows, measured=measured, work=work)
        seconds = sum(node.seconds for node in work)
        figures = f"{measured.wall:7.1f} s  {seconds:7.1f} s of work  {measured.peak:6,.0f} MiB"
        self.console.print(f"{title:<32} {command.variant:<20} {figures}", highlight=False)
        return run

    @staticmethod
    def _words(command: Command) -> Sequence[str]:
        if not command.one_core:
            return command.words
        core = min(os.sched_getaffinity(0))
        return ["taskset", "--cpu-list", str(core), *command.words]


def _of_nodes(metadata: Path, measured: Measured, traced: Trace) -> tuple[Work, ...]:
    """Nodes of this process by what ML Metadata says of their time."""
    store = open_store(MetadataSettings(sqlite=metadata))
    work = []
    for state in node_states(store):
        if state.started >= measured.started:
            name = OUR_NAMES.get(state.node_id, state.node_id)
            work.append(_work(name, state.started, state.updated, traced))
    return tuple(work)


def _of_script(log: Path, node: str, measured: Measured, traced: Trace) -> tuple[Work, ...]:
    """The end of its process: a straight line works until it ends."""
    seconds = float(json.loads(log.read_text().splitlines()[-1])["seconds"])
    return (_work(node, measured.ended - seconds, measured.ended, traced),)


def _work(node: str, start: float, end: float, traced: Trace) -> Work:
    cpu, before, peak = traced.within(start, end)
    return Work(node=node, seconds=end - start, cpu=cpu, before=before, peak=peak)
