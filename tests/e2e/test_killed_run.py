"""A run that is killed, again and again, and resumed each time, is as one that was never killed.

It is killed before its first node, in nodes at random moments, and after its last node. In a few
nodes, once; with EVERGREEN_TEST_KILLS=3 (`make test-kill`) in every node, three times.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.taxi.spans import cut
from evergreen.lineage.doctor import Doctor
from evergreen.lineage.views import RunView
from evergreen.runs.plan import TRAIN, Outcome
from tests.contents import contents, rounded
from tests.killing import Killing
from tests.project import Project, Ran, edges

KILLS = int(os.environ.get("EVERGREEN_TEST_KILLS", "0"))
SEED = int(os.environ.get("EVERGREEN_TEST_SEED", "0"))
FEW = {
    ("span-00001-v01", "StatisticsGen"),
    ("span-00002-v01", "StatisticsGen"),
    (TRAIN, "Trainer"),
    (TRAIN, "Pusher"),
}
"""The second is for a machine on which the first is over too soon."""


def targets(first: Ran) -> Iterator[tuple[str, str, float]]:
    """The nodes to kill in the order in which they run, and what each takes."""
    for part, nodes in first.nodes.items():
        for name, state in nodes.items():
            if KILLS or (part, name) in FEW:
                yield part, name, state.seconds


def executions(run: RunView) -> list[tuple[str, str, str, str]]:
    """Every execution of a run, with what it made."""
    return sorted(
        (view.part, view.node.node_id, view.node.state, f"{key}: {artifact.type} {artifact.state}")
        for view in run.nodes
        for key, ids in view.outputs.items()
        for artifact in (run.artifacts[id_] for id_ in ids)
    )


def made(project: Project, run: RunView) -> dict[str, object]:
    """What is in the files of every artifact of a run. The folders are named by executions."""
    root = project.settings.pipeline.root
    there = contents(root)
    found = {}
    for view in run.nodes:
        for key, ids in view.outputs.items():
            for number, id_ in enumerate(ids):
                folder = f"{Path(run.artifacts[id_].uri).relative_to(root)}/"
                name = f"{view.part} {view.node.node_id} {key} {number}"
                found |= {
                    f"{name} {path.removeprefix(folder)}": content
                    for path, content in there.items()
                    if path.startswith(folder)
                }
    return found


@pytest.mark.timeout(3600 if KILLS else 900)
def test_what_it_leaves_is_that_of_a_run_that_was_never_killed(
    project: Project, first: Ran, tmp_path: Path
) -> None:
    other = Project(tmp_path)
    data = other.settings.data
    cut(None, data.span_root, data.period, data.format)
    killing = Killing(other, "1-2", SEED)
    wanted = list(targets(first))
    killing.kill_before()
    for part, node, seconds in wanted:
        if KILLS or not killing.has_hit(node):
            killing.kill_in(part, node, seconds, max(KILLS, 1))
    killing.kill_after(TRAIN, "Pusher")
    record = killing.finish()

    # Ingesting spans is twice the same nodes; one that takes milliseconds may be over too soon.
    assert all(killing.has_hit(node) for _, node, _ in wanted), killing.hit
    assert record.outcome is Outcome.PUSHED
    assert record.run_id == killing.run_id
    assert killing.starts - 1 >= len(record.resumed) >= killing.starts - 2
    for part in record.parts:
        own, reference = record.pipeline_run(part), first.record.pipeline_run(part)
        assert edges(other.store, own) == edges(project.store, reference)
    run, control = (
        of.lineage.run(run.run_id) for of, run in ((other, record), (project, first.record))
    )
    assert executions(run) == executions(control)
    states = {view.node.execution_id: view.node for view in run.nodes}
    assert {id_: states[id_] for id_ in killing.finished} == killing.finished

    assert made(other, run) == made(project, control)
    base, reference = (of.settings.serving.base_path / "1" for of in (other, project))
    assert contents(base) == contents(reference)
    results = [
        rounded(record.model_dump_json(include={"results"})) for record in (record, first.record)
    ]
    assert results[0] == results[1]
    assert Doctor(other.settings, other.store).examine() == []

    [event], [entered] = other.lineage.events(), project.lineage.events()[:1]
    same = {"action", "stage", "who", "why"}
    assert event.model_dump(include=same) == entered.model_dump(include=same)
    assert event.model.version == entered.model.version
    # Outputs of one node get their ids in any order: each registry has the model of its run.
    for entry, of in ((event, run), (entered, control)):
        assert [entry.model.artifact_id] == [
            artifact.id for artifact in of.made("Trainer", "model")
        ]
    assert event.evidence["metrics"] == entered.evidence["metrics"]
