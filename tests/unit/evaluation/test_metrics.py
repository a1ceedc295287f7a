"""Metrics from histograms are those of the rows, and their intervals hold what they promise."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

from evergreen.evaluation.metrics import measure
from evergreen.evaluation.scores import BINS, histogram, pack, unpack


def rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and calibrated scores, from nearly 0 to nearly 1."""
    chance = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-chance.normal(-1, 3, count)))
    return (chance.random(count) < scores).astype(float), scores


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("log_loss", sklearn.log_loss),
        ("auc", sklearn.roc_auc_score),
        ("brier", sklearn.brier_score_loss),
        ("accuracy", lambda labels, scores: ((scores > 0.5) == labels).mean()),
        ("calibration", lambda labels, scores: scores.mean() / labels.mean()),
    ],
)
def test_a_metric_is_what_scikit_learn_says_of_the_rows(name: str, truth: object) -> None:
    labels, scores = rows(5000, seed=1)
    value, (low, high) = measure(histogram(labels, scores), name, 200, 0.95)
    assert value == pytest.approx(truth(labels, scores), rel=2e-4)
    assert low < value < high


@pytest.mark.parametrize("name", ["log_loss", "auc", "brier"])
def test_an_interval_of_95_percent_holds_the_truth_that_often(name: str) -> None:
    labels, scores = rows(500_000, seed=2)
    truth, _ = measure(histogram(labels, scores), name, 100, 0.95)
    held = 0
    for part in range(200):
        some = slice(part * 1000, (part + 1) * 1000)
        _, (low, high) = measure(histogram(labels[some], scores[some]), name, 200, 0.95)
        held += low <= truth <= high
    assert 0.9 <= held / 200 <= 0.99


def test_calibration_error_of_a_calibrated_model_is_no_alarm() -> None:
    labels, scores = rows(500, seed=3)
    value, (low, _) = measure(histogram(labels, scores), "calibration_error", 500, 0.95)
    assert value > 0.01  # as of any small sample
    assert low < 0.01


def test_what_is_not_defined_is_not_a_number() -> None:
    counts = histogram(np.zeros(10), np.full(10, 0.2))
    value, interval = measure(counts, "auc", 100, 0.95)
    assert np.isnan([value, *interval]).all()


def test_the_surest_scores_have_a_place() -> None:
    counts = histogram(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert counts.shape == (2, BINS)
    assert counts.sum() == 2


def test_a_histogram_is_stored_and_read_again() -> None:
    counts = histogram(*rows(1000, seed=4))
    assert (unpack(pack(counts)) == counts).all()
