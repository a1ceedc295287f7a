"""Runs that are killed: processes forked from one that has imported TensorFlow once."""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

from evergreen.lineage.claims import Claims
from evergreen.lineage.nodes import NodeReader, NodeState
from evergreen.runs.plan import RunRecord
from tests.project import Project

PRELOADED = [
    "evergreen.running.compilation",
    "pipeline.graph",
    "models.taxi.model",
    "tests.killing",
]
POLL_SECONDS = 0.001
ENDING_SECONDS = 1.0
"""What a run does after its last node takes longer: it registers, tells servers, reports."""


def carry_out(folder: Path, spans: str, run_id: str) -> None:
    """What each process does: the run, or the rest of it."""
    project = Project(folder)
    if run_id:
        project.resume(run_id)
    else:
        project.run(spans)


class Killing:
    """A run that is killed in one node after the other, and resumed each time.

    Attributes:
        run_id: The run.
        starts: How many processes have worked on it.
        hit: How often each node was killed while it worked.
        finished: What was said of executions that were finished before a kill.
    """

    def __init__(self, project: Project, spans: str, seed: int) -> None:
        self._project, self._spans = project, spans
        self._random = random.Random(seed)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        self._nodes = NodeReader(project.store)
        self._took: dict[str, float] = {}
        self.run_id = ""
        self.starts = 0
        self.hit: Counter[tuple[str, str]] = Counter()
        self.finished: dict[int, NodeState] = {}

    def kill_before(self) -> None:
        """Begins the run, and kills before any node works."""
        self._kill(self._start())

    def kill_in(self, part: str, node: str, seconds: float, times: int) -> None:
        """Kills while a node works, at random moments: the earliest ones first, the latest last.

        Args:
            part: The part of the run.
            node: The node.
            seconds: What it takes.
            times: How often; less if it is finished before it is hit.
        """
        # One that was too quick to be hit tells how quick its like is here.
        seconds = min(seconds, self._took.get(node, seconds))
        for number in range(times):
            if self._is_finished(part, node):  # beside one that was killed
                return
            # Not of the whole time: where TensorFlow is imported already, a node takes less.
            share = self._random.uniform(number, number + 1) / (times + 1)
            if not self._kill_once(part, node, share * seconds):
                state = self._state(part, node)
                self._took[node] = state.seconds if state else seconds
                return

    def has_hit(self, node: str) -> bool:
        """Whether a node was killed while it worked, in any part."""
        return any(times for (_, name), times in self.hit.items() if name == node)

    def kill_after(self, part: str, node: str) -> None:
        """Kills after the last node, while the run comes to its end."""
        process = self._start()
        while process.is_alive() and not self._is_finished(part, node):
            time.sleep(POLL_SECONDS)
        time.sleep(self._random.uniform(0, ENDING_SECONDS))
        self._kill(process)

    def finish(self) -> RunRecord:
        """Goes on to the end, if the run has not come to it."""
        if self._record().can_go_on:
            process = self._start()
            process.join()
            assert process.exitcode == 0
        return self._record()

    def _kill_once(self, part: str, node: str, seconds: float) -> bool:
        """Goes on until a node works, and kills some seconds later; whether it was hit."""
        begun = time.time()
        process = self._start()
        moment = None
        while process.is_alive():
            state = self._state(part, node)
            # What a process that was killed has left says that it is running, since then.
            works = state and state.state == "running" and state.started >= begun
            if moment is None and works:
                moment = time.monotonic() + seconds
            if moment is not None and (time.monotonic() >= moment or not works):
                break
            if state and state.succeeded:
                break
            time.sleep(POLL_SECONDS)
        self._kill(process)
        hit = not self._is_finished(part, node)
        self.hit[part, node] += hit
        return hit

    def _kill(self, process: BaseProcess) -> None:
        process.kill()
        process.join()
        assert process.exitcode == -9, f"the run came to its end: {process.exitcode}"
        self.finished |= {node.execution_id: node for node in self._executions() if node.succeeded}

    def _start(self) -> BaseProcess:
        arguments = (self._project.folder, self._spans, self.run_id)
        process = self._context.Process(target=carry_out, args=arguments)
        process.start()
        self.starts += 1
        while not self.run_id:
            self.run_id = next((record.run_id for record in self._project.lineage.runs()), "")
        # A run that goes on is told by its claim from one that died.
        claims = Claims(self._project.settings.pipeline.root)
        while process.is_alive() and not claims.is_held(self.run_id):
            time.sleep(POLL_SECONDS)
        return process

    def _record(self) -> RunRecord:
        return self._project.lineage.record(self.run_id)

    def _state(self, part: str, node: str) -> NodeState | None:
        pipeline = self._project.settings.pipeline.name
        states = self._nodes.states(pipeline, f"{self.run_id}.{part}")
        return next((state for state in states if state.node_id == node), None)

    def _is_finished(self, part: str, node: str) -> bool:
        state = self._state(part, node)
        return state is not None and state.succeeded

    def _executions(self) -> Iterator[NodeState]:
        yield from (view.node for view in self._project.lineage.run(self.run_id).nodes)
