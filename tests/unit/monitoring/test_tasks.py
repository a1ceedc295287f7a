"""Models of classes and of values are monitored as those of label 1 are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergreen.errors import SettingsError
from evergreen.evaluation.metrics import histogram, pack
from evergreen.monitoring.results import Kind, MonitoringResult
from tests.unit.monitoring.world import BEFORE, ROWS, Trips, World, fired

CLASSES = ("Adelie", "Chinstrap", "3")
MULTICLASS = (
    "model.task=multiclass",
    f"model.classes=[{', '.join(CLASSES[:2])}, '3']",
    "gates.model.bounds=[{metric: log_loss, at_most: 2}]",
    "gates.model.not_worse=[]",
    "monitoring.performance.metrics=null",
)
REGRESSION = (
    "model.task=regression",
    "gates.model.bounds=[{metric: rmse, at_most: 100}]",
    "gates.model.not_worse=[]",
    "monitoring.performance.metrics=[{metric: r2, worse_by: 0.1}, {metric: mae, worse_by: 1},"
    " {metric: mean_error, at_least: -2, at_most: 2}]",
)


class Penguins(Trips):
    """Rows with a probability for each class; a wrong model is sure of the second one."""

    def __init__(self, seed: int = 0, often: float = 1.0, wrong: bool = False) -> None:
        super().__init__(seed=seed)
        chance = np.random.default_rng(seed)
        self.scores = chance.dirichlet((often, 0.5, 2.0), ROWS)
        drawn = self.scores.cumsum(axis=1) < chance.random(ROWS)[:, np.newaxis]
        self.labels = np.array(CLASSES)[drawn.sum(axis=1)]
        if wrong:
            self.scores = np.tile([0.05, 0.9, 0.05], (ROWS, 1))

    def evaluation(self) -> dict[str, Any]:
        right = np.array([CLASSES.index(name) for name in self.labels])
        predicted = self.scores.argmax(axis=1)
        losses = -np.log(self.scores[np.arange(ROWS), right])
        brier = ((self.scores - np.eye(3)[right]) ** 2).sum(axis=1)
        confusion = {
            name: {
                other: int(((right == at) & (predicted == to)).sum())
                for to, other in enumerate(CLASSES)
            }
            for at, name in enumerate(CLASSES)
        }
        return {
            "task": "multiclass",
            "classes": CLASSES,
            "candidate": {
                "log_loss": losses.mean(),
                "accuracy": float((right == predicted).mean()),
                "brier": brier.mean(),
            },
            "curves": {"candidate": {"confusion": confusion}},
            "scores": pack(histogram(right == predicted, self.scores.max(axis=1))).model_dump(),
        }


class Delays(Trips):
    """Rows with a value, which the model hits but for some noise."""

    def __init__(self, seed: int = 0, shift: float = 0.0, late: float = 0.0) -> None:
        super().__init__(seed=seed)
        chance = np.random.default_rng(seed)
        self.scores = chance.gamma(2, 10, ROWS) + shift
        self.labels = self.scores + chance.normal(late, 5, ROWS)

    def evaluation(self) -> dict[str, Any]:
        edges = np.linspace(-20, 120, 41)
        counts = np.histogram2d(self.labels, self.scores, [edges, edges])[0].astype(int).tolist()
        missed = self.scores - self.labels
        return {
            "task": "regression",
            "candidate": {
                "mae": np.abs(missed).mean(),
                "r2": 1 - missed.var() / self.labels.var(),
                "mean_error": missed.mean(),
            },
            "curves": {"candidate": {"joint": {"edges": edges.tolist(), "counts": counts}}},
        }


def monitored(folder: Path, task: tuple[str, ...], usual: list[Trips], now: Trips) -> tuple[
    World, MonitoringResult
]:  # fmt: skip
    """Trains on the first usual rows, and monitors others after a day of the second."""
    world = World(folder, *task, trained=usual[:1])
    world.log(usual[1], BEFORE)
    world.label(world.log(now), now.labels)
    return world, world.monitor()


USUAL = {
    MULTICLASS: ([Penguins(seed=100), Penguins(seed=1)], Penguins(seed=2)),
    REGRESSION: ([Delays(seed=100), Delays(seed=1)], Delays(seed=2)),
}


@pytest.mark.parametrize("task", USUAL, ids=["multiclass", "regression"])
def test_a_usual_day_is_quiet(tmp_path: Path, task: tuple[str, ...]) -> None:
    world, result = monitored(tmp_path, task, *USUAL[task])
    assert not result.fired
    assert result.labelled == ROWS
    names = {(finding.kind, finding.name) for finding in result.findings if not finding.slice}
    answers = "classes" if task is MULTICLASS else "values"
    assert {
        (Kind.PREDICTIONS, f"{answers} since {since}")
        for since in ("evaluation", "the window before")
    } <= names
    metrics = {rule.metric for rule in world.settings.monitoring.performance.rules(
        world.settings.model.task)}  # fmt: skip
    assert {name for kind, name in names if kind is Kind.PERFORMANCE} == metrics
    assert result.unjudged == ()


def test_another_mix_of_classes_is_prediction_drift(tmp_path: Path) -> None:
    usual = [Penguins(seed=100), Penguins(seed=1)]
    _, result = monitored(tmp_path, MULTICLASS, usual, Penguins(seed=2, often=8.0))
    [since, before] = [
        finding for finding in result.fired
        if finding.kind is Kind.PREDICTIONS and finding.name.startswith("classes")
    ]  # fmt: skip
    assert {since.name, before.name} == {"classes since evaluation",
                                         "classes since the window before"}  # fmt: skip
    assert since.detail.startswith("Adelie went from ")
    assert not fired(result, Kind.PERFORMANCE)


def test_a_model_that_is_sure_of_the_wrong_class_loses_performance(tmp_path: Path) -> None:
    usual = [Penguins(seed=100), Penguins(seed=1)]
    _, result = monitored(tmp_path, MULTICLASS, usual, Penguins(seed=2, wrong=True))
    assert fired(result, Kind.PERFORMANCE) == {"log_loss", "accuracy", "brier"}
    names = fired(result, Kind.PREDICTIONS)
    assert names == {
        f"{what} since {since}"
        for what in ("classes", "top probability")
        for since in ("evaluation", "the window before")
    }


def test_values_that_move_are_prediction_drift_and_no_loss(tmp_path: Path) -> None:
    usual = [Delays(seed=100), Delays(seed=1)]
    _, result = monitored(tmp_path, REGRESSION, usual, Delays(seed=2, shift=30))
    assert fired(result) == {"values since evaluation", "values since the window before"}


def test_labels_beyond_the_values_are_a_loss_and_no_prediction_drift(tmp_path: Path) -> None:
    usual = [Delays(seed=100), Delays(seed=1)]
    _, result = monitored(tmp_path, REGRESSION, usual, Delays(seed=2, late=12))
    assert fired(result) == {"r2", "mae", "mean_error"}


def test_answers_that_are_no_prediction_are_noted(tmp_path: Path) -> None:
    usual = [Penguins(seed=100), Penguins(seed=1)]
    _, result = monitored(tmp_path, MULTICLASS, usual, Trips(seed=2))
    assert any("3,000 predictions have no output of 3 numbers" in note for note in result.notes)


WRONG = {
    "{metric: auc, worse_by: 0.1}": "auc is a metric of binary, and the model's task is multiclass",
    "{metric: recall/Gentoo, at_least: 0.5}": "there is no metric recall/Gentoo",
    "{metric: tfma.AUC, at_least: 0.5}": "tfma.AUC: only of a binary model",
}


@pytest.mark.parametrize(("rule", "why"), WRONG.items(), ids=["auc", "recall", "tfma"])
def test_a_metric_that_does_not_fit_the_task_is_refused(
    tmp_path: Path, rule: str, why: str
) -> None:
    with pytest.raises(SettingsError, match=why):
        World(tmp_path, *MULTICLASS, f"monitoring.performance.metrics=[{rule}]")


def test_an_error_that_is_best_at_zero_cannot_be_worse(tmp_path: Path) -> None:
    rule = "monitoring.performance.metrics=[{metric: mean_error, worse_by: 1}]"
    with pytest.raises(SettingsError, match="mean_error is best in between: give at_least"):
        World(tmp_path, *REGRESSION, rule)
