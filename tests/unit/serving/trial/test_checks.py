"""Breaks may be declared; answers are compared by their most different numbers."""

import numpy as np
import pytest

from evergreen.runs.reports.serving import Criterion
from evergreen.serving.trial.checks import compatible, distance, none_of, same


def test_a_break_is_declared_for_one_version_and_lapses_with_the_next() -> None:
    changes = ["raw is gone"]
    allowed = compatible(changes, version=3, may_break=3)
    assert allowed.passed
    assert allowed.detail == "declared by may_break=3: raw is gone"
    for declared in (None, 2, 4):
        check = compatible(changes, version=3, may_break=declared)
        assert not check.passed
        assert check.detail.startswith("raw is gone. ")
        assert "may_break=3" in check.detail


@pytest.mark.parametrize(
    ("answer", "other", "expected"),
    [
        ([1.0, np.nan, np.inf], [1.0, np.nan, np.inf], 0.0),
        ([0.5], [0.25], 0.25),
        ([110.0], [100.0], 0.1),
        ([np.nan], [1.0], np.inf),
        ([1.0, 2.0], [1.0], np.inf),
        ([b"a"], [b"a"], 0.0),
        ([b"a"], [b"b"], np.inf),
        ([1], [1.0], np.inf),
    ],
)
def test_answers_are_apart_by_their_most_different_numbers(
    answer: list[object], other: list[object], expected: float
) -> None:
    apart = distance({"x": np.array(answer)}, {"x": np.array(other)})
    assert apart == pytest.approx(expected)


@pytest.mark.parametrize(
    ("other", "passed", "words"),
    [
        ([0.5], True, "bit for bit"),
        ([0.25], True, "not bit for bit"),
        ([0.25, 1.0], False, "they differ in more than numbers"),
    ],
)
def test_answers_that_agree_are_told_from_those_that_are_equal(
    other: list[float], passed: bool, words: str
) -> None:
    criterion = Criterion(kind="as signature", signature="raw", other="serving_default")
    check = same(criterion, [{"x": np.array([0.5])}], [{"x": np.array(other)}], 0.3)
    assert (check.passed, check.detail) == (passed, words)
    assert check.criterion == "raw: answers as serving_default"


def test_the_first_faults_are_named_and_the_others_counted() -> None:
    check = none_of(Criterion(kind="finite", signature="raw"), [f"fault {at}" for at in range(5)])
    assert (check.passed, check.value) == (False, 5)
    assert check.detail == "fault 0; fault 1; fault 2; and 2 more"
