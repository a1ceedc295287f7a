"""Shares are shown to the row."""

from evergreen.quality.mismatch import percent


def test_a_few_rows_of_many_still_show() -> None:
    assert percent(1 - 3 / 1_000_000) == "99.9997 %"
    assert percent(1.0) == "100 %"
