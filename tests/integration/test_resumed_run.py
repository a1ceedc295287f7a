"""A run that failed goes on under its own id; parts of one are executed again on purpose."""

import io
import logging
import multiprocessing
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from evergreen.cli import main
from evergreen.errors import EvergreenError
from evergreen.lineage.claims import Claims, RunIsAliveError
from evergreen.running.resumption import CannotGoOnError
from evergreen.running.run import RunFailedError
from evergreen.runs.plan import Outcome, RunRecord
from tests.integration import failing
from tests.killing import PRELOADED
from tests.project import ROOT, Project, Ran

FAILING = "model.run_fn=tests.integration.failing.run_fn"
REASON = "the disk is full [red]"


WRONG = """
def run_fn(fn_args):
    return fn_args.custom_config["no such key"]
"""
RIGHT = """
from models.taxi.model import run_fn
"""


class Answer(NamedTuple):
    """What a command came to, and what a person saw."""

    code: int | None
    text: str


Command = Callable[..., Answer]


@pytest.fixture(scope="module")
def failed(project: Project, first: Ran) -> tuple[RunRecord, RunFailedError]:
    """A run whose Trainer has failed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(failing.REASON, REASON)
        with pytest.raises(RunFailedError) as error:
            project.run("1-2", [FAILING], experiment=True)
    return project.lineage.record(""), error.value


@pytest.fixture(scope="module")
def command(project: Project) -> Command:
    """`evergreen resume` as a user runs it, in a process that has TensorFlow imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    places = [word for pair in project.overrides for word in ("--set", pair)]

    def run(*words: str) -> Answer:
        out = project.folder / "resume.txt"
        line = ["evergreen", "resume", *words, "--project", str(ROOT), *places]
        process = context.Process(target=run_command, args=(line, out))
        process.start()
        process.join()
        return Answer(process.exitcode, out.read_text())

    return run


def run_command(line: list[str], out: Path) -> None:
    with out.open("w") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    sys.argv = line
    main()


@pytest.fixture(scope="module")
def resumed(project: Project, failed: tuple[RunRecord, RunFailedError], command: Command) -> Ran:
    """The newest run goes on."""
    answer = command()
    assert answer.code == 0, answer.text
    return project.ran(project.lineage.record(failed[0].run_id), answer.text)


@pytest.fixture(scope="module")
def rerun(project: Project, resumed: Ran, command: Command) -> Ran:
    """Its last node is executed again."""
    run_id = resumed.record.run_id
    answer = command(run_id, "--from", "ServingValidator")
    assert answer.code == 0, answer.text
    return project.ran(project.lineage.record(run_id), answer.text)


def test_a_failed_run_says_why_and_how_it_goes_on(
    failed: tuple[RunRecord, RunFailedError],
) -> None:
    record, error = failed
    assert record.outcome is Outcome.FAILED
    assert REASON in str(error)
    assert error.hint.endswith(f"evergreen resume {record.run_id}")


def test_a_resumed_run_is_the_same_run(
    failed: tuple[RunRecord, RunFailedError], resumed: Ran
) -> None:
    before, after = failed[0], resumed.record
    assert after.outcome is Outcome.EXPERIMENT
    assert len(after.resumed) == 1
    same = {"run_id", "request", "pins", "baseline", "window", "digests", "settings", "created"}
    assert before.model_dump(include=same) == after.model_dump(include=same)
    assert after.request.experiment


def test_a_person_sees_what_goes_on_and_what_comes_next(resumed: Ran, rerun: Ran) -> None:
    assert re.search(rf"run {resumed.record.run_id} .* taken up again from", resumed.text)
    assert "log: " in resumed.text
    for ran, executed in ((resumed, "Trainer"), (rerun, "ServingValidator")):
        assert re.search(rf"✓ {executed} ", ran.text)
        assert "next: leave --experiment away to push it" in ran.text
    assert re.search("↺ Trainer", rerun.text)


def test_what_is_refused_is_told_with_exit_code_2(resumed: Ran, command: Command) -> None:
    for words, said in (
        ((), f"run {resumed.record.run_id} has ended: experiment."),
        (("--from", "Evaluater"), "did you mean 'Evaluator'?"),
    ):
        answer = command(resumed.record.run_id, *words)
        assert answer.code == 2
        assert f"error: run {resumed.record.run_id}" in answer.text
        assert said in answer.text
        assert "next: " in answer.text


def test_what_is_finished_is_not_executed_again(
    project: Project, failed: tuple[RunRecord, RunFailedError], resumed: Ran
) -> None:
    run = project.lineage.run(failed[0].run_id)
    nodes = [view.node for view in run.nodes if view.part == "train"]
    states = {node.node_id: node for node in nodes}
    assert len(states) == len(nodes)
    assert states["Trainer"].state == "complete"
    assert states["Trainer"].error == ""
    assert states["Transform"].updated < states["Trainer"].started
    assert failed[0].finished.timestamp() < states["Trainer"].started
    assert states["Transform"].updated < failed[0].finished.timestamp()


def test_a_part_is_executed_again_on_purpose(resumed: Ran, rerun: Ran) -> None:
    states = {name: node.state for name, node in rerun.nodes["train"].items()}
    assert states.pop("ServingValidator") == "complete"
    assert set(states.values()) == {"cached"}
    assert rerun.record.run_id == resumed.record.run_id
    assert rerun.record.outcome is Outcome.EXPERIMENT


def test_what_it_did_before_is_kept(project: Project, resumed: Ran, rerun: Ran) -> None:
    run = project.lineage.run(rerun.record.run_id)
    assert {view.part for view in run.nodes} == {"train", "train.2"}
    assert {view.part for view in run.current} == {"train.2"}
    [before] = [
        view for view in run.nodes if view.part == "train" and view.node.node_id == "Trainer"
    ]
    assert before.node == resumed.nodes["train"]["Trainer"]


@pytest.fixture
def claimed(project: Project, resumed: Ran) -> Iterator[str]:
    with Claims(project.settings.pipeline.root).hold(resumed.record.run_id):
        yield resumed.record.run_id


def test_a_run_that_somebody_works_on_is_left_alone(project: Project, claimed: str) -> None:
    with pytest.raises(RunIsAliveError, match="another process works on run"):
        project.resume(claimed)


def test_what_cannot_go_on_is_refused(project: Project, first: Ran, resumed: Ran) -> None:
    with pytest.raises(CannotGoOnError, match="has ended: pushed"):
        project.resume(first.record.run_id)
    with pytest.raises(CannotGoOnError, match="a version is never overwritten"):
        project.resume(first.record.run_id, rerun_from="Trainer")
    with pytest.raises(CannotGoOnError, match="did you mean 'Evaluator'"):
        project.resume(resumed.record.run_id, rerun_from="Evaluater")
    with pytest.raises(EvergreenError, match="there is no run nothing"):
        project.resume("nothing")


@pytest.fixture(scope="module")
def corrected(
    project: Project, first: Ran, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunFailedError, str, Ran]:
    """A run whose trainer was wrong: the error, the log, and how it went on after a correction."""
    own, logged = tmp_path_factory.mktemp("own") / "own_trainer.py", io.StringIO()
    own.write_text(WRONG)
    handler = logging.StreamHandler(logged)
    log = logging.getLogger("evergreen.orchestrators.node")
    log.addHandler(handler)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(own.parent)
        with pytest.raises(RunFailedError) as error:
            project.run("1-2", ["model.run_fn=own_trainer.run_fn"], experiment=True)
        log.removeHandler(handler)
        own.write_text(RIGHT)
        return error.value, logged.getvalue(), project.resume(project.lineage.record("").run_id)


def test_an_error_in_ones_own_code_is_told_with_its_place_and_the_log_has_the_traceback(
    corrected: tuple[RunFailedError, str, Ran],
) -> None:
    error, log, ran = corrected
    assert "Trainer: KeyError: 'no such key' (" in str(error)
    assert "own_trainer.py, line 3, in run_fn)" in str(error)
    assert error.hint.startswith("The log has the traceback. Correct ")
    assert error.hint.endswith(f"own_trainer.py, then: evergreen resume {ran.record.run_id}")
    assert "Traceback (most recent call last)" in log
    assert 'return fn_args.custom_config["no such key"]' in log


def test_after_a_correction_it_goes_on_from_the_node_that_failed(
    corrected: tuple[RunFailedError, str, Ran],
) -> None:
    _, _, ran = corrected
    assert ran.record.outcome is Outcome.EXPERIMENT
    assert ran.record.attempts == {"train": 2}
    assert (
        "changed    the trainer's code or files, since the run was planned: Trainer and all after "
        "it are executed; Transform and ingested spans are reused" in ran.text
    )
    states = {name: node.state for name, node in ran.nodes["train"].items()}
    assert (states["Transform"], states["Trainer"]) == ("cached", "complete")
