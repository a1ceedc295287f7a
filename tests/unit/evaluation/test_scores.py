"""A histogram of scores is fine enough for what is computed from it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evergreen.evaluation.bootstrap import log_losses
from evergreen.evaluation.scores import BINS, CENTERS, PER_UNIT, bins, histogram
from tests.fuzzing import fuzz


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
