"""The task follows from the label; a label that cannot be learned is refused with its reason."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.errors import ChoiceError, DataError, SettingsError
from evergreen.scaffold.label import LabelChoice, choose_label
from evergreen.scaffold.profile import profile
from tests.unit.scaffold.tables import orders

ROWS = 600
NUMBERS = np.random.default_rng(0).normal(size=ROWS)


def label(column: object, text: str | None = "y", task: str | None = None) -> LabelChoice:
    return choose_label(profile(pa.table({"y": column, "x": NUMBERS})), text, task)


@pytest.mark.parametrize(
    ("column", "task", "classes"),
    [
        (NUMBERS > 0, "binary", ()),
        (np.arange(ROWS) % 2, "binary", ()),
        (np.array(["yes", "no"])[np.arange(ROWS) % 2], "binary", ()),
        (np.array(["c", "a", "b"])[np.arange(ROWS) % 3], "multiclass", ("a", "b", "c")),
        (np.arange(ROWS) % 4, "multiclass", ("0", "1", "2", "3")),
        (np.arange(ROWS) % 4 + 2, "multiclass", ("2", "3", "4", "5")),
        (np.arange(ROWS) % 40, "regression", ()),
        (NUMBERS, "regression", ()),
    ],
)
def test_the_task_follows_from_the_values(
    column: np.ndarray, task: str, classes: tuple[str, ...]
) -> None:
    found = label(column)
    assert (found.task, found.classes, found.name) == (task, classes, "y")
    assert sorted(np.unique(found.values))[:2] != [2, 3]  # classes count from 0


def test_two_texts_are_yes_and_no() -> None:
    found = label(np.array(["No", "Yes", "No"])[np.arange(ROWS) % 3])
    assert found.code == 'columns["y"] == "Yes"'
    assert found.counts == {"no": 400, "yes": 200}
    rarer = label(np.array(["a", "b", "a"])[np.arange(ROWS) % 3])
    assert rarer.code == 'columns["y"] == "b"'


def test_a_condition_has_a_name_and_knows_missing_rows() -> None:
    found = choose_label(profile(orders()), "delay > 15", None)
    assert (found.name, found.task) == ("delay_over_15", "binary")
    assert 0 < (~found.known).sum() < 300
    both = choose_label(profile(orders()), "delay > 0.2 * distance and is_gift", None)
    assert both.name == "label"
    assert "tf.cast" not in both.code


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        (pa.nulls(ROWS, pa.float64()), "no value in 600 rows"),
        ([1.5] * ROWS, "one value in all rows: 1.5"),
        (np.arange(ROWS), "it is an id"),
        ([f"id-{n}" for n in range(ROWS)], "600 different texts in 600 rows: it is an id"),
        ([f"c{n % 200}" for n in range(ROWS)], "more than 100 classes"),
        ([1, *[0] * (ROWS - 1)], "one class"),
        ([[1]] * ROWS, "holds list"),
        (pa.array([86_400 * n for n in range(ROWS)], pa.timestamp("s")), "times"),
        ([1.0, 0.0, *[None] * (ROWS - 2)], "too few rows: 2 of 600"),
        (np.array([0, 5, 7])[np.arange(ROWS) % 3], "do not count the classes"),
    ],
)
def test_a_label_that_cannot_be_learned_is_refused(column: object, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        label(column)


@pytest.mark.parametrize(
    ("column", "task", "problem"),
    [
        (NUMBERS, "binary", "--task binary: 'y' has 600 different numbers"),
        (NUMBERS > 0, "regression", "true or false"),
        (np.array(["a", "b", "c"])[np.arange(ROWS) % 3], "binary", "3 different texts"),
        (NUMBERS, "ranking", "no task 'ranking'"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(column: np.ndarray, task: str, problem: str) -> None:
    with pytest.raises((SettingsError, ChoiceError), match=problem):
        label(column, task=task)


def test_without_an_expression_a_usual_name_is_taken_or_one_is_asked_for() -> None:
    usual = pa.table({"target": NUMBERS, "x": NUMBERS})
    assert choose_label(profile(usual), None, None).task == "regression"
    with pytest.raises(SettingsError, match="no --label is given") as refused:
        choose_label(profile(orders()), None, None)
    assert "carrier" in refused.value.hint


def test_three_rows_are_too_few() -> None:
    with pytest.raises(DataError, match="too few rows: 3 of 3"):
        choose_label(profile(pa.table({"y": [0, 1, 0], "x": [1, 2, 3]})), "y", None)
