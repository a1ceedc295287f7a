"""Criteria that cannot be kept are refused."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from evergreen.settings.gates import ServingCriteria


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ServingCriteria(rows=1000), "more than the 1000"),
        (lambda: ServingCriteria(batch_sizes=(8,)), "begins with 1"),
        (lambda: ServingCriteria(signatures=()), "at least 1"),
        (lambda: ServingCriteria(p95_ms=0), "greater than 0"),
    ],
)
def test_criteria_that_cannot_be_kept_are_refused(
    make: Callable[[], ServingCriteria], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        make()
