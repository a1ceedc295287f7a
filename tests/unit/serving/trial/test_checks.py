"""Breaks may be declared; answers are compared by their most different numbers."""

import numpy as np
import pytest

from evergreen.serving.trial.checks import compatible, distance


def test_a_break_is_declared_for_one_version_and_lapses_with_the_next() -> None:
    changes = ["raw is gone"]
    assert compatible(changes, version=3, may_break=3).passed
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
