"""Metrics from histograms are those of the rows, and their intervals hold what they promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from evergreen.evaluation.losses import log_losses
from evergreen.evaluation.metrics import (
    BINS,
    CENTERS,
    PER_UNIT,
    bins,
    histogram,
    measure,
    pack,
    unpack,
    why_undefined,
)
from tests.fuzzing import fuzz


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


@pytest.mark.parametrize(
    ("metric", "negatives", "positives", "value", "why"),
    [
        ("auc", 500, 0, 0.0, "not defined, all 500 labels are 0"),
        ("auc", 0, 12_000, 1.0, "not defined, all 12,000 labels are 1"),
        ("tfma.AUCPrecisionRecall", 3, 0, 0.0, "not defined, all 3 labels are 0"),
        ("auc", 1, 0, math.nan, "not defined, the only label is 0"),
        ("auc", 0, 0, 0.5, "not defined, no row has a label"),
        ("calibration", 500, 0, math.inf, "not defined, all 500 labels are 0"),
        ("calibration", 0, 500, 0.9, ""),
        ("log_loss", 500, 0, 0.1, ""),
        ("log_loss", 0, 0, math.nan, "not defined, no row has a label"),
        (
            "log_loss",
            400,
            100,
            math.nan,
            "not defined, it came out as nan on 500 rows, 100 with label 1",
        ),
        ("auc", 499, 1, 0.7, ""),
    ],
)
def test_a_metric_without_a_value_says_why(
    metric: str, negatives: int, positives: int, value: float, why: str
) -> None:
    assert why_undefined(metric, negatives, positives, value) == why


@fuzz(200)
@given(st.lists(st.floats(0, 1), min_size=1))
def test_within_a_bin_the_log_loss_varies_by_a_64th_at_most(scores: list[float]) -> None:
    probabilities = np.array(scores)
    places = bins(probabilities)
    assert np.all((places >= 0) & (places < BINS))
    for label in (0.0, 1.0):
        labels = np.full(len(scores), label)
        apart = log_losses(labels, probabilities) - log_losses(labels, CENTERS[places])
        assert np.all(np.abs(apart) <= 1 / PER_UNIT)
    assert np.all(np.diff(places[np.argsort(probabilities)]) >= 0)


def test_histograms_of_parts_add_up_to_that_of_the_whole() -> None:
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 2, 1000).astype(float), random.random(1000)
    whole = histogram(labels, scores)
    assert whole.shape == (2, BINS)
    assert whole.sum(axis=1).tolist() == [np.sum(labels == 0), np.sum(labels == 1)]
    parts = histogram(labels[:300], scores[:300]) + histogram(labels[300:], scores[300:])
    np.testing.assert_array_equal(parts, whole)
