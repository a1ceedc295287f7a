"""A verdict is said in words that follow from its fields alone."""

from typing import Any

import pytest

from evergreen.runs import sentences
from evergreen.runs.reports.data import MISSING_IN_WORDS, ROWS_REFUSED, Finding
from evergreen.runs.reports.model import Verdict
from evergreen.settings.task import Task

WORSE: dict[str, Any] = {"improvement": -0.0456, "interval": (-0.05, -0.04)}


def compared(improvement: float, *interval: float) -> dict[str, Any]:
    """Fields of a comparison that holds."""
    return {"improvement": improvement, "interval": interval, "margin": 0.01, "passed": True}


def verdict(metric: str, **fields: Any) -> Verdict:
    return Verdict(**{"metric": metric, "passed": False, "value": 0.5} | fields)


@pytest.mark.parametrize(
    ("asked", "criterion", "in_short"),
    [
        (verdict("auc", at_least=0.93), "auc at least 0.93", "not auc at least 0.93"),
        (verdict("log_loss", at_most=0.5), "log_loss at most 0.5", "not log_loss at most 0.5"),
        (
            verdict("auc", margin=0.0),
            "auc on all rows not worse than the baseline's by 0",
            "worse on all rows",
        ),
        (
            verdict("log_loss", margin=0.01, slice="payment Cash"),
            "log_loss on payment Cash not worse than the baseline's by 0.01",
            "worse on payment Cash",
        ),
    ],
)
def test_what_was_asked(asked: Verdict, criterion: str, in_short: str) -> None:
    assert sentences.criterion(asked) == criterion
    assert sentences.in_short(asked) == in_short
    assert Verdict.model_validate({"criterion": criterion, "passed": False, "value": 0.5}) == asked


@pytest.mark.parametrize(
    ("fields", "numbers"),
    [
        ({}, "0.5000"),
        ({"value": None}, "missing"),
        ({"value": None, "undefined": "there is one class only"}, "there is one class only"),
        (compared(0.03, 0.02, 0.04), "+0.0300 (+0.0200 to +0.0400), better"),
        (compared(0.0016, -0.0015, 0.0047), "+0.0016 (-0.0015 to +0.0047), no sure difference"),
        (compared(-0.002, -0.004, 0.0), "-0.0020 (-0.0040 to 0), no sure difference"),
        (compared(-0.0061, -0.0092, -0.003), "-0.0061 (-0.0092 to -0.0030), worse, within 0.01"),
        (compared(0.0, 0.0, 0.0), "0 (0 to 0), the same"),
        (compared(2e-17, -3e-17, 4e-17), "0 (0 to 0), the same"),
        (WORSE, "-0.0456 (-0.0500 to -0.0400), worse"),
    ],
)
def test_what_it_rests_on(fields: dict[str, Any], numbers: str) -> None:
    assert sentences.numbers(verdict("auc", **fields)) == numbers


@pytest.mark.parametrize(
    ("task", "classes", "expected"),
    [
        (Task.BINARY, (), "label 1 or not"),
        (Task.MULTICLASS, ("a", "b", "c"), "one of 3 classes: a, b, c"),
        (Task.REGRESSION, (), "a value"),
    ],
)
def test_what_a_model_predicts_is_told_by_its_task(
    task: Task, classes: tuple[str, ...], expected: str
) -> None:
    assert sentences.predicted(task, classes) == expected
    assert len(sentences.predicted(Task.MULTICLASS, ["x" * 50] * 50)) < 150


@pytest.mark.parametrize(
    ("fields", "counted"),
    [
        ({"kind": ROWS_REFUSED, "rows": 833}, "3 of 833 rows delivered (0.4\xa0%)"),
        (
            {"kind": "SCHEMA_MISSING_COLUMN", "rows": 681, "splits": ("train", "eval")},
            "3 of 681 rows of train and eval (0.4\xa0%)",
        ),
        ({"kind": "SCHEMA_MISSING_COLUMN", "rows": 830}, "3 of 830 rows (0.4\xa0%)"),
        ({"kind": MISSING_IN_WORDS, "rows": 1200}, "3 of 1,200 rows with a value (0.2\xa0%)"),
        ({"kind": "SCHEMA_NEW_COLUMN"}, ""),
    ],
)
def test_a_count_says_of_which_rows_it_is(fields: dict[str, Any], counted: str) -> None:
    assert Finding(feature="fare", count=3, said="x", **fields).counted == counted
