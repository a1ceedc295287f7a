"""Labels are parsed, checked and written as code that gives the same values."""

import numpy as np
import pytest

from evergreen.errors import SettingsError
from evergreen.scaffold.expression import literal, parse

TYPES = {
    "a": "number",
    "n": "number",
    "arr delay": "number",
    "s": "text",
    "class": "text",
    "é": "number",
}
TYPES |= {"t": "truth"}
ROWS = {
    "a": np.array([1.0, 2.0, np.nan], np.float32),
    "n": np.array([3, 4, 5]),
    "arr delay": np.array([10.0, 20.0, 30.0], np.float32),
    "s": np.array(["x", "y", "z"], object),
    "class": np.array(["x", "y", "z"], object),
    "é": np.array([1.0, 2.0, 3.0], np.float32),
    "t": np.array([True, False, True]),
}


@pytest.mark.parametrize(
    ("text", "code", "values"),
    [
        ("a > 1", 'columns["a"] > 1', [False, True, False]),
        ("n > 3", 'columns["n"] > BOUND', [False, True, True]),
        ("n > 3.5", 'tf.cast(columns["n"], tf.float32) > BOUND', [False, True, True]),
        ("`arr delay` >= -2 * -10", 'columns["arr delay"] >= BOUND', [False, True, True]),
        (
            "3 < n <= 4",
            '(columns["n"] > BOUND_1) & (columns["n"] <= BOUND_2)',
            [False, True, False],
        ),
        ("not s == 'x' or t", '~(columns["s"] == "x") | (columns["t"] == 1)', [True, True, True]),
        ("s in ('x', 'y')", '(columns["s"] == "x") | (columns["s"] == "y")', [True, True, False]),
        ("s not in ['x']", '~(columns["s"] == "x")', [False, True, True]),
        (
            "a / `arr delay` > 0.09",
            '(columns["a"] / columns["arr delay"]) > BOUND',
            [True, True, False],
        ),
        (
            "`class` != 'x' and é > 2",
            '(columns["class"] != "x") & (columns["é"] > BOUND)',
            [False, False, True],
        ),
    ],
)
def test_an_expression_becomes_code_with_the_same_values(
    text: str, code: str, values: list[bool]
) -> None:
    found = parse(text, TYPES, {"n"})
    assert (found.code, found.type) == (code, "truth")
    assert found.evaluate(ROWS).tolist() == values


def test_a_column_may_be_called_anything() -> None:
    for name in TYPES:
        found = parse(name, TYPES)
        assert found.columns == (name,)
        assert found.is_column


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("__import__('os').system('x')", "not allowed"),
        ("a.real", "not allowed"),
        ("a[0]", "not allowed"),
        ("lambda: a", "not allowed"),
        ("a if t else n", "not allowed"),
        ("[a for a in s]", "not allowed"),
        ("a ** 999999999", "not allowed"),
        ("'x' * 999999999 == s", "text"),
        ("a > 1 / 0", "not an expression"),
        ("a > 1e999", "beyond"),
        ("a > s", "compares number"),
        ("a and t", "a number, not a truth"),
        ("s < 'x'", "orders text"),
        ("s in s", "without a list"),
        ("a > True", "no number and no text"),
        ("t is t", "is"),
        ("1 > 2", "names no column"),
        ("class == 'x'", "not an expression"),
        ("(" * 400 + "a" + ")" * 90, "not an expression"),
        ("a" * 501, "no line"),
        ("a\n> 1", "no line"),
        ("", "not an expression"),
    ],
)
def test_anything_else_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        parse(text, TYPES)


def test_a_near_name_is_suggested() -> None:
    with pytest.raises(SettingsError) as refused:
        parse("arrdelay > 15", TYPES)
    assert "arr delay" in refused.value.hint


@pytest.mark.parametrize("value", ["x", 'a "b"', "it's", "\\", "\n\x1b", "東京", "'\"", 1.5, None])
def test_a_literal_is_read_back(value: object) -> None:
    assert eval(literal(value)) == value
