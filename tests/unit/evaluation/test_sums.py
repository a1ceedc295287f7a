"""Metrics from sums are those of the rows, and their intervals hold the truth as often as said."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from evergreen.evaluation.bootstrap import Floats
from evergreen.evaluation.sums import GROUPS, Sums
from evergreen.settings.metrics import names
from evergreen.settings.task import Task

SPECIES = ("Adelie", "Chinstrap", "Gentoo")
MULTICLASS: dict[str, Any] = {
    "log_loss": lambda y, p: sk.log_loss(y, p, labels=[0, 1, 2]),
    "brier": lambda y, p: ((p - np.eye(3)[y.astype(int)]) ** 2).sum(axis=1).mean(),
    "accuracy": lambda y, p: sk.accuracy_score(y, p.argmax(axis=1)),
    "top_2_accuracy": lambda y, p: sk.top_k_accuracy_score(y, p, k=2, labels=[0, 1, 2]),
    "top_3_accuracy": lambda _, __: 1.0,
    "macro_f1": lambda y, p: sk.f1_score(y, p.argmax(axis=1), average="macro"),
    "recall/Gentoo": lambda y, p: sk.recall_score(y, p.argmax(axis=1), average=None)[2],
    "precision/Adelie": lambda y, p: sk.precision_score(y, p.argmax(axis=1), average=None)[0],
}
REGRESSION: dict[str, Any] = {
    "mae": sk.mean_absolute_error,
    "rmse": sk.root_mean_squared_error,
    "r2": sk.r2_score,
    "mean_error": lambda y, p: (p - y).mean(),
    "quantile_loss_0.9": lambda y, p: sk.mean_pinball_loss(y, p, alpha=0.9),
}


def multiclass(rows: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Labels, and the very probabilities that they were drawn by."""
    random = np.random.default_rng(seed)
    answers = random.dirichlet((1.0, 0.5, 2.0), rows)
    labels = (answers.cumsum(axis=1) < random.random(rows)[:, np.newaxis]).sum(axis=1)
    return labels.astype(float), answers


def regression(rows: int, seed: int = 0) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    answers = random.gamma(2, 10, rows)
    return answers + random.normal(1, 5, rows), answers


CASES = [(Task.MULTICLASS, name, truth) for name, truth in MULTICLASS.items()]
CASES += [(Task.REGRESSION, name, truth) for name, truth in REGRESSION.items()]
DRAW = {Task.MULTICLASS: multiclass, Task.REGRESSION: regression}


def summed(task: Task, name: str, labels: Floats, answers: Floats, batches: int = 1) -> Sums:
    random, sums = np.random.default_rng(0), Sums.of(name, task, SPECIES)
    for part in np.array_split(np.arange(len(labels)), batches):
        sums.add(labels[part], answers[part], random.integers(0, GROUPS, len(part)))
    return sums


@pytest.mark.parametrize(("task", "name", "truth"), CASES)
def test_a_metric_is_what_scikit_learn_says_of_the_rows(task: Task, name: str, truth: Any) -> None:
    labels, answers = DRAW[task](2000)
    value, (low, high) = summed(task, name, labels, answers, batches=7).measure(200, 0.95)
    assert value == pytest.approx(truth(labels, answers))
    assert low <= value <= high


@pytest.mark.parametrize("name", ["log_loss", "macro_f1", "recall/Chinstrap"])
def test_an_interval_of_95_percent_holds_the_truth_of_classes_that_often(name: str) -> None:
    assert held(Task.MULTICLASS, name) >= 0.89


@pytest.mark.parametrize("name", ["rmse", "r2", "mean_error"])
def test_an_interval_of_95_percent_holds_the_truth_of_values_that_often(name: str) -> None:
    assert held(Task.REGRESSION, name) >= 0.89


def held(task: Task, name: str) -> float:
    """The share of samples whose interval holds the value of a sample a thousand times as large."""
    truth, _ = summed(task, name, *DRAW[task](400_000, seed=1)).measure(2, 0.95)
    found = [
        summed(task, name, *DRAW[task](400, seed)).measure(200, 0.95)[1] for seed in range(10, 210)
    ]
    return float(np.mean([low <= truth <= high for low, high in found]))


def test_calibration_error_of_a_calibrated_model_is_no_alarm() -> None:
    _, (low, _) = summed(Task.MULTICLASS, "calibration_error", *multiclass(1000)).measure(500, 0.95)
    assert low < 0.01


def test_what_is_not_defined_is_not_a_number() -> None:
    labels, answers = np.zeros(50), np.tile([1.0, 0, 0], (50, 1))
    sums = summed(Task.MULTICLASS, "recall/Gentoo", labels, answers)
    assert np.isnan([sums.measure(10, 0.95)[0], *sums.measure(10, 0.95)[1]]).all()
    assert summed(Task.MULTICLASS, "macro_f1", labels, answers).measure(10, 0.95)[0] == 1
    constant = summed(Task.REGRESSION, "r2", np.ones(50), np.arange(50.0))
    assert not np.isfinite(constant.measure(10, 0.95)[0])


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.REGRESSION])
def test_every_metric_of_a_task_can_be_monitored(task: Task) -> None:
    labels, answers = DRAW[task](300)
    for name in set(names(task, SPECIES)) - {"example_count"}:
        assert np.isfinite(summed(task, name, labels, answers).measure(20, 0.95)[0]), name
