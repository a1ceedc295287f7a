"""Log loss and AUC with intervals, against what the model reached when it was evaluated."""

import numpy as np
import pytest

from evergreen.components.model_gate.bootstrap import auc as weighted_auc
from evergreen.monitoring.performance import Scored, auc, judge, log_loss
from evergreen.settings.monitoring import MonitoringSettings

SETTINGS = MonitoringSettings(labels="labels", results="results")
EVALUATED = {"log_loss": 0.5, "auc": 0.8}


def calibrated(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores that are the chances of the labels."""
    random = np.random.default_rng(seed)
    scores = random.beta(1.2, 1.2, size)
    return (random.random(size) < scores).astype(float), scores


def test_the_auc_is_that_of_the_gate() -> None:
    labels, scores = calibrated(500, 1)
    scores = scores.round(1)
    value, _ = auc(labels, scores, 0.95)
    assert value == pytest.approx(weighted_auc(labels, scores, np.ones((1, 500)))[0])


@pytest.mark.parametrize("measure", [auc, log_loss])
def test_intervals_hold_the_truth_as_often_as_they_say(measure) -> None:
    truth, _ = measure(*calibrated(200_000, 1), 0.95)
    held = [
        low <= truth <= high
        for seed in range(300)
        for _, (low, high) in [measure(*calibrated(400, 10 + seed), 0.95)]
    ]
    assert 0.91 < np.mean(held) < 0.99


def test_noise_does_not_fire_and_decay_does() -> None:
    labels, scores = calibrated(1000, 2)
    value, _ = log_loss(labels, scores, 0.99)
    evaluated = {"log_loss": value - 0.03, "auc": auc(labels, scores, 0.99)[0] + 0.01}
    good = list(judge(Scored(labels, scores, {}), evaluated, SETTINGS))
    assert not any(finding.fired for finding in good)
    bad = list(judge(Scored(1 - labels, scores, {}), evaluated, SETTINGS))
    assert [finding.name for finding in bad if finding.fired] == ["log_loss", "auc"]


def test_slices_are_told_where_they_have_enough_rows() -> None:
    labels, scores = calibrated(1000, 3)
    big, small = np.arange(1000) < 600, np.arange(1000) >= 950
    found = judge(Scored(labels, scores, {"a=1": big, "a=2": small}), EVALUATED, SETTINGS)
    assert {finding.slice for finding in found} == {"", "a=1"}


def test_labels_of_one_kind_have_no_auc() -> None:
    found = judge(Scored(np.ones(200), np.full(200, 0.9), {}), EVALUATED, SETTINGS)
    assert [finding.name for finding in found] == ["log_loss"]
