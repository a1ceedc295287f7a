"""A run that is killed, again and again, and resumed each time, is as one that was never killed.

In a few nodes; with EVERGREEN_TEST_KILLS=3 (`make test-kill`), in every node, in three runs.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.taxi.spans import cut
from evergreen.lineage.doctor import Doctor
from evergreen.lineage.views import RunView
from evergreen.planning.plan import Outcome
from tests.killing import Killing
from tests.project import Project, Ran, edges

ROUNDS = int(os.environ.get("EVERGREEN_TEST_KILLS", "0"))
FEW = {("span-00001-v01", "StatisticsGen"), ("train", "Trainer"), ("train", "Pusher")}


def targets(first: Ran) -> Iterator[tuple[str, str, float]]:
    """The nodes to kill in the order in which they run, and what each takes."""
    for part, nodes in first.nodes.items():
        for name, state in nodes.items():
            if ROUNDS or (part, name) in FEW:
                yield part, name, state.seconds


def made(run: RunView) -> list[tuple[str, str, str, list[str]]]:
    """What every node of a run made: type, state and files."""
    found = []
    for one in run.current:
        for key, ids in one.outputs.items():
            for artifact in (run.artifacts[id_] for id_ in ids):
                folder = Path(artifact.uri)
                # TensorFlow and Beam put random ids and times into names of files.
                files = sorted({path.suffix for path in folder.rglob("*") if path.is_file()})
                found.append((f"{one.part} {one.node.node_id} {key}", artifact.type,
                              artifact.state, files))  # fmt: skip
    return sorted(found)


@pytest.mark.timeout(3600 if ROUNDS else 900)
@pytest.mark.parametrize("seed", range(max(1, ROUNDS)))
def test_the_lineage_is_that_of_a_run_that_was_never_killed(
    project: Project, first: Ran, tmp_path: Path, seed: int
) -> None:
    other = Project(tmp_path)
    data = other.settings.data
    cut(None, data.span_root, data.period, data.format)
    killing = Killing(other, "1-2", seed)
    wanted = list(targets(first))
    for part, node, seconds in wanted:
        killing.kill_in(part, node, seconds)
    record = killing.finish()

    assert record.outcome is Outcome.PUSHED
    assert len(record.resumed) == len(wanted)
    assert len(killing.hit) >= 0.8 * len(wanted), "too many were over before the kill"
    for part in record.parts:
        own, reference = record.pipeline_run(part), first.record.pipeline_run(part)
        assert edges(other.store, own) == edges(project.store, reference)
    run = other.lineage.run(record.run_id)
    assert made(run) == made(project.lineage.run(first.record.run_id))
    states = {one.node.execution_id: one.node for one in run.nodes}
    assert {id_: states[id_] for id_ in killing.finished} == killing.finished
    assert Doctor(other.settings, other.store).examine() == []
    assert set(other.pushed()) == {name for name in project.pushed() if name.startswith("1/")}
    assert record.results is not None
    assert first.record.results is not None
    for split, values in first.record.results.metrics.items():
        assert record.results.metrics[split] == pytest.approx(values, abs=0.02)
    [event], [expected] = other.lineage.events(), project.lineage.events()[:1]
    same = ("action", "stage", "who", "why")
    assert [getattr(event, one) for one in same] == [getattr(expected, one) for one in same]
