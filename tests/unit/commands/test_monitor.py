"""The command: a table, an exit code, what to do next; and limits that are found."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

from evergreen.cli import app
from evergreen.errors import EvergreenError, SettingsError
from evergreen.monitoring.calibration import bounds
from evergreen.settings import load_settings
from tests.project import ROOT, places
from tests.unit.monitoring.world import BEFORE, KINDS, Trips, World


def evergreen(world: World, *arguments: str) -> Result:
    overrides = [
        *places(world.folder),
        f"metadata.sqlite={world.folder}/metadata.sqlite",
        f"monitoring.features=[{','.join(KINDS)}]",
    ]
    options = [word for pair in overrides for word in ("--set", pair)]
    return CliRunner(env={"COLUMNS": "200"}).invoke(
        app, ["monitor", *arguments, "--project", str(ROOT), *options]
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.log(Trips(seed=1), BEFORE)
    return world


AUC = "{metric: auc, worse_by: 0.02}"
DAY = ("--since", "2026-01-30", "--until", "2026-01-31")


def test_a_quiet_day_ends_with_0(world: World) -> None:
    world.log(Trips(seed=2))
    answer = evergreen(world, "--window", "24", "--until", "2026-01-31", "--version", "1")
    assert answer.exit_code == 0, answer.output


def test_what_fired_comes_first_and_the_last_line_says_what_to_do(world: World) -> None:
    world.log(Trips(seed=2, cards=0.7))
    answer = evergreen(world, *DAY)
    assert answer.exit_code == 6, answer.output
    lines = answer.output.splitlines()
    assert "3,000 predictions" in answer.output
    assert re.search(r"fired\s+drift\s+payment_type", answer.output)
    [page] = re.findall(r"page: (.*)", answer.output)
    assert "payment_type" in Path(page).read_text()
    assert lines[-1].startswith("next: train on newer data: evergreen run --project ")


def test_a_rule_that_cannot_be_judged_does_not_hold(world: World) -> None:
    ids = world.log(Trips(seed=2))
    world.label(ids, np.zeros(len(ids), bool))
    answer = evergreen(world, *DAY, "--set", "monitoring.performance.metrics=[" + AUC + "]")
    assert answer.exit_code == 0, answer.output
    assert "auc: not defined, all 3,000 labels are 0" in answer.output
    last = answer.output.splitlines()[-1]
    assert last == "next: nothing fired, but auc could not be judged: see why in the notes"


@pytest.mark.parametrize(
    "window",
    [
        ("--since", "2026-01-31", "--until", "2026-01-30"),
        ("--window", "inf"),
        ("--window", "1e300"),
        ("--until", "0001-01-01"),
        ("--since", "0001-01-01"),
        ("--set", "monitoring.window_hours=.inf"),
        ("--set", "monitoring.labels.lookback_days=.inf"),
        ("--set", "monitoring.missing_integer=99999999999999999999"),
    ],
)
def test_a_window_that_is_none_is_refused(tmp_path: Path, window: tuple[str, ...]) -> None:
    options = [word for pair in places(tmp_path) for word in ("--set", pair)]
    answer = CliRunner().invoke(app, ["monitor", "--project", str(ROOT), *options, *window])
    assert isinstance(answer.exception, SettingsError)
    assert answer.exit_code == 1


def test_limits_come_from_history_and_can_be_used(tmp_path: Path) -> None:
    world = World(tmp_path, trained=[Trips(seed=seed) for seed in range(5, 10)])
    target = tmp_path / "limits.yaml"
    answer = evergreen(world, "calibrate", "--output", str(target))
    assert answer.exit_code == 0, answer.output
    assert re.search(r"drift\s+payment_type\s+4 of spans", answer.output)
    written = yaml.safe_load(target.read_text())["monitoring"]
    before = load_settings(ROOT, ["local"]).monitoring.drift.features
    found = load_settings(ROOT, ["local", str(target)]).monitoring.drift.features
    assert found == {**before, **written["drift"]["features"]}
    assert set(written["drift"]["features"]) >= {*KINDS}
    assert found["trip_start_month"] == 1
    assert 0 < found["payment_type"] < 0.3
    assert written["skew"]


def test_quiet_windows_are_history_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.log(Trips(seed=1), BEFORE)
    world.log(Trips(seed=2))
    for _ in range(10):
        assert not world.monitor().fired
    answer = evergreen(world, "calibrate")
    assert re.search(r"prediction drift\s+scores since evaluation\s+10 of windows", answer.output)


def test_without_history_one_is_told_what_to_do(world: World) -> None:
    answer = evergreen(world, "calibrate")
    assert isinstance(answer.exception, EvergreenError)
    assert "evergreen run" in answer.exception.hint


def test_a_limit_is_above_all_that_was_seen_and_holds_for_the_next() -> None:
    assert bounds({"a": [0.01, 0.02, 0.015]}, 0.5)["a"] >= 0.02
    chance = np.random.default_rng(1)
    typical = chance.uniform(0.002, 0.1, 8)
    held = []
    for _ in range(300):
        seen = typical[:, np.newaxis] * np.exp(chance.normal(0, 0.7, (8, 4)))
        limits = bounds({str(at): row[:3].tolist() for at, row in enumerate(seen)}, 0.95)
        held += [row[3] <= limits[str(at)] for at, row in enumerate(seen)]
    assert 0.93 < np.mean(held) < 0.98


@pytest.mark.parametrize(
    "words",
    [
        ("--since", "1970-01-01", "--until", "9999-12-31"),
        ("--since", "0001-01-01", "--until", "2026-01-31"),
        ("--window", "1e300"),
    ],
)
def test_a_window_beyond_the_calendar_is_refused(world: World, words: tuple[str, ...]) -> None:
    refused = evergreen(world, *words)
    assert isinstance(refused.exception, SettingsError)
