"""Metrics that cannot be computed are reported in the same words everywhere."""

import math

import pytest

from evergreen.evaluation.undefined import why_undefined


@pytest.mark.parametrize(
    ("metric", "negatives", "positives", "value", "why"),
    [
        ("auc", 500, 0, 0.0, "not defined, all 500 labels are 0"),
        ("auc", 0, 12_000, 1.0, "not defined, all 12,000 labels are 1"),
        ("tfma.AUCPrecisionRecall", 3, 0, 0.0, "not defined, all 3 labels are 0"),
        ("auc", 1, 0, math.nan, "not defined, the only label is 0"),
        ("auc", 0, 0, 0.5, "not defined, no row has a label"),
        ("calibration", 500, 0, math.inf, "not defined, all 500 labels are 0"),
        ("calibration", 0, 500, 0.9, ""),
        ("log_loss", 500, 0, 0.1, ""),
        ("log_loss", 0, 0, math.nan, "not defined, no row has a label"),
        (
            "log_loss",
            400,
            100,
            math.nan,
            "not defined, it came out as nan on 500 rows, 100 with label 1",
        ),
        ("auc", 499, 1, 0.7, ""),
    ],
)
def test_a_metric_without_a_value_says_why(
    metric: str, negatives: int, positives: int, value: float, why: str
) -> None:
    assert why_undefined(metric, negatives, positives, value) == why
