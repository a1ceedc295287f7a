"""Differing values of two runs are paired; only numbers have a difference."""

import pytest

from evergreen.reporting.comparison import Difference, Value, pair


@pytest.mark.parametrize(
    ("first", "other", "change"),
    [(1.5, 2.0, 0.5), (0.0, 0.0, 0.0), (True, False, None), (1.0, True, None), ("1", 2.0, None)],
)
def test_only_numbers_have_a_difference(first: Value, other: Value, change: float | None) -> None:
    assert Difference(name="x", one=first, other=other).change == change


def test_what_one_run_lacks_is_none_and_what_is_equal_may_be_left_out() -> None:
    first, other = {"a": 1.0, "b": "x"}, {"b": "x", "c": None, "d": False}
    told = [(found.name, found.one, found.other) for found in pair(first, other)]
    assert told == [("a", 1.0, None), ("b", "x", "x"), ("c", None, None), ("d", None, False)]
    assert [found.name for found in pair(first, other, changed=True)] == ["a", "d"]
