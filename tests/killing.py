"""Runs that are killed: processes forked from one that has imported TensorFlow once."""

import multiprocessing
import random
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

from evergreen.lineage.claims import Claims
from evergreen.lineage.nodes import NodeState
from evergreen.planning.plan import RunRecord
from tests.project import Project

PRELOADED = [
    "evergreen.orchestrators.compiling",
    "pipeline.graph",
    "models.taxi.training",
    "tests.killing",
]
POLL_SECONDS = 0.002


def carry_out(folder: Path, spans: str, run_id: str) -> None:
    """What each process does: the run, or the rest of it."""
    project = Project(folder)
    if run_id:
        project.resume(run_id)
    else:
        project.run(spans)


class Killing:
    """A run that is killed in one node after the other, and resumed each time."""

    def __init__(self, project: Project, spans: str, seed: int) -> None:
        self._project, self._spans = project, spans
        self._random = random.Random(seed)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        self.run_id = ""
        self.hit: list[tuple[str, str]] = []
        self.finished: dict[int, NodeState] = {}

    def kill_in(self, part: str, node: str, seconds: float) -> None:
        """Goes on until a node works, and kills at a random moment of the time that it takes."""
        process = self._start()
        moment = None
        while process.is_alive():
            state = self._state(part, node)
            if moment is None and state == "running":
                moment = time.monotonic() + self._random.uniform(0, 0.7 * seconds)
            if moment is not None and (time.monotonic() >= moment or state != "running"):
                break
            time.sleep(POLL_SECONDS)
        process.kill()
        process.join()
        assert process.exitcode == -9, f"the run ended before {node} did"
        if self._state(part, node) == "running":
            self.hit.append((part, node))
        self._remember()

    def finish(self) -> RunRecord:
        """Goes on to the end."""
        process = self._start()
        process.join()
        assert process.exitcode == 0
        return self._record()

    def _start(self) -> BaseProcess:
        arguments = (self._project.folder, self._spans, self.run_id)
        process = self._context.Process(target=carry_out, args=arguments)
        process.start()
        while not self.run_id:
            self.run_id = next((one.run_id for one in self._project.lineage.runs()), "")
        # A run that goes on is told by its claim from one that died.
        while process.is_alive() and not self._claims().is_held(self.run_id):
            time.sleep(POLL_SECONDS)
        return process

    def _claims(self) -> Claims:
        return Claims(self._project.settings.pipeline.root)

    def _record(self) -> RunRecord:
        return self._project.lineage.record(self.run_id)

    def _state(self, part: str, node: str) -> str:
        found = self._project.nodes(self._record(), part).get(node)
        return found.state if found else ""

    def _remember(self) -> None:
        self.finished |= {one.execution_id: one for one in self._nodes() if one.succeeded}

    def _nodes(self) -> Iterator[NodeState]:
        yield from (one.node for one in self._project.lineage.run(self.run_id).nodes)
