"""Metrics by TFMA's names are those of the rows, and their intervals are as wide as the noise."""

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn import metrics as sklearn

from evergreen.errors import EvergreenError
from evergreen.evaluation.metrics import histogram, measure
from evergreen.evaluation.tfma import interval, taken
from evergreen.settings.monitoring import MetricRule
from tests.unit.evaluation.test_metrics import rows

AUC = MetricRule(metric="tfma.AUC", at_least=0.5)
LOSS = MetricRule(metric="tfma.BinaryCrossEntropy", at_most=1)
F1 = MetricRule(metric="tfma.F1Score", config={"thresholds": [0.3]}, at_least=0.5)


def test_metrics_are_those_of_the_rows_and_intervals_those_of_the_bootstrap() -> None:
    labels, scores = rows(3000, seed=1)
    some = labels[:400], scores[:400]
    counts = {"all": histogram(labels, scores), "some": histogram(*some)}
    found = taken(counts, [AUC, LOSS, F1])
    assert F1.title == "tfma.F1Score(thresholds=[0.3])"
    for part, (truth, said) in {"all": (labels, scores), "some": some}.items():
        assert found[part, F1.title][0] == pytest.approx(
            sklearn.f1_score(truth, said > 0.3), abs=2e-3
        )
        for rule, ours in ((AUC, "auc"), (LOSS, "log_loss")):
            value, (low, high) = measure(counts[part], ours, 2000, 0.95)
            values = found[part, rule.title]
            lowest, highest = interval(values, 0.95)
            assert values[0] == pytest.approx(value, abs=2e-3)
            assert lowest < values[0] < highest
            assert 0.5 < (highest - lowest) / (high - low) < 2


@pytest.mark.parametrize(
    ("metric", "told"),
    [("tfma.NoSuchMetric", "NoSuchMetric"), ("tfma.ConfusionMatrixPlot", "number")],
)
def test_what_gives_no_number_is_refused(metric: str, told: str) -> None:
    rule = MetricRule(metric=metric, at_least=0.5)
    with pytest.raises(EvergreenError, match=told) as refused:
        taken({"all": histogram(*rows(50, seed=2))}, [rule])
    assert "tensorflow_model_analysis.metrics" in refused.value.hint


def test_rules_that_cannot_be_held_are_refused() -> None:
    with pytest.raises(ValidationError, match="not in an evaluation"):
        MetricRule(metric="tfma.AUC", worse_by=0.1)
    with pytest.raises(ValidationError, match="has no config"):
        MetricRule(metric="auc", config={"thresholds": [0.3]}, at_least=0.5)


def test_without_rules_nothing_is_taken() -> None:
    assert taken({"all": histogram(*rows(50, seed=3))}, []) == {}
    assert np.isfinite(interval(np.linspace(0.4, 0.6, 21), 0.9)).all()
