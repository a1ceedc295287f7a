"""Past quarters as live traffic: answers, late labels, monitors, triggers, retraining, canaries."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from evergreen.monitoring.results import Kind
from evergreen.replay.chart import draw
from evergreen.replay.comparison import compare
from evergreen.replay.faults import Fault, Injected
from evergreen.replay.player import Played, Player
from evergreen.replay.policies import Policy
from evergreen.replay.stream import Piece, cut
from evergreen.replay.world import World
from evergreen.runs.plan import Outcome
from evergreen.settings import Settings, load_settings
from evergreen.spans import Period
from tests.project import ROOT

LAST = 6
FAULTY = 5


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("replay")
    return load_settings(ROOT, overrides=[f"replay.folder={folder}", "replay.first=4"])


@pytest.fixture(scope="module")
def pieces(settings: Settings) -> list[Piece]:
    return cut(settings, settings.replay.folder / "stream", Period.QUARTER, LAST)


def play(
    settings: Settings, pieces: list[Piece], policy: Policy, fault: Injected | None = None
) -> list[Played]:
    overrides = [f"replay.folder={settings.replay.folder}", "replay.first=4"]
    world = World(policy, settings, ROOT, (), overrides)
    console = Console(file=io.StringIO())
    return Player(world, fault, range(FAULTY, LAST + 1), console).play(pieces)


@pytest.fixture(scope="module")
def always(settings: Settings, pieces: list[Piece]) -> list[Played]:
    return play(settings, pieces, Policy.ALWAYS)


def test_every_row_is_answered_by_the_gateway(always: list[Played], pieces: list[Piece]) -> None:
    assert [span.number for span in always] == [5, 6]
    for played, piece in zip(always, pieces[4:], strict=True):
        assert sum(played.versions.values()) == len(played.losses) == piece.rows.num_rows
    assert set(always[0].versions) == {1}
    assert 0.1 < always[0].losses.mean() < 0.4


def test_what_lands_a_span_late_is_trained_on(always: list[Played]) -> None:
    assert always[0].runs == []
    [run] = always[1].runs
    assert run.outcome in (Outcome.PUSHED, Outcome.MODEL_REFUSED)


def test_the_comparison_is_shown_and_drawn(always: list[Played], tmp_path: Path) -> None:
    [row] = compare({Policy.ALWAYS: always})
    assert (row.worse, row.trainings) == (0, 1)
    assert row.interval[0] < row.loss < row.interval[1]
    draw({Policy.ALWAYS: always}, "log loss", tmp_path / "replay.svg")
    assert "trainings" in (tmp_path / "replay.svg").read_text()


def found(played: Played) -> set[tuple[Kind, str]]:
    return {(finding.kind, finding.name) for finding in played.fired}


def test_a_shift_of_labels_is_caught_by_performance_alone(
    settings: Settings, pieces: list[Piece], always: list[Played]
) -> None:
    """Besides what the same trips have without it: they drift by themselves."""
    first, second = play(settings, pieces, Policy.TRIGGER, Injected(Fault.LABEL))
    assert first.fired == ()
    assert found(always[1]) < found(second)
    assert {kind for kind, _ in found(second) - found(always[1])} == {Kind.PERFORMANCE}
    assert len(second.runs) == 1
