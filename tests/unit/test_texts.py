"""Numbers and texts as people read them."""

import pytest

from evergreen.texts import NOTHING, number, percent, signed, visible


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, NOTHING),
        (-2.2e-16, "0"),
        (0.0017, "+0.0017"),
        (3.7e-05, "+3.7e-05"),
        (-0.25, "-0.2500"),
        (152.0, "+152"),
        (2859000.5, "+2,859,000"),
    ],
)
def test_a_difference_has_as_many_digits_as_tell_something(value: float | None, text: str) -> None:
    assert signed(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, NOTHING),
        (0.47, "0.4700"),
        (3.0, "3"),
        (7.7e-05, "7.7e-05"),
        (1.7e10, "17,000,000,000"),
    ],
)
def test_a_number_has_as_many_digits_as_tell_something(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_share_is_a_share_on_a_terminal_too() -> None:
    assert visible(percent(0.329)) == "32.9 %"
