"""Criteria are checked when they are declared."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from evergreen.settings import load_settings
from evergreen.settings.gates import Bound, Criteria, NotWorse, ServingCriteria, Slicing
from tests.project import ROOT

PAYMENT = Slicing(feature="payment")


def test_a_gate_without_absolute_thresholds_is_not_built() -> None:
    with pytest.raises(ValidationError):
        Criteria(bounds=())
    with pytest.raises(ValidationError, match="neither"):
        Bound(metric="auc")
    with pytest.raises(ValidationError, match="log_loss"):
        NotWorse(metric="auc", margin=0.0, by=(PAYMENT,))
    assert load_settings(ROOT).gates.model.bounds


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ServingCriteria(rows=1000), "more than the 1000"),
        (lambda: ServingCriteria(batch_sizes=(8,)), "begins with 1"),
        (lambda: ServingCriteria(signatures=()), "at least 1"),
        (lambda: ServingCriteria(p95_ms=0), "greater than 0"),
    ],
)
def test_serving_criteria_that_cannot_be_kept_are_refused(
    make: Callable[[], ServingCriteria], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        make()
