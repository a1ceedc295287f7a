"""Criteria are checked when they are declared."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from evergreen.errors import SettingsError
from evergreen.settings import load_settings
from evergreen.settings.gates import Bound, Criteria, ServingCriteria
from tests.project import ROOT


def test_a_gate_without_absolute_thresholds_is_not_built() -> None:
    with pytest.raises(ValidationError):
        Criteria(bounds=())
    with pytest.raises(ValidationError, match="neither"):
        Bound(metric="auc")
    assert load_settings(ROOT).gates.model.bounds


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ServingCriteria(rows=1000), "more than the 1000"),
        (lambda: ServingCriteria(batch_sizes=(8,)), "begins with 1"),
        (lambda: ServingCriteria(signatures=()), "at least 1"),
        (lambda: ServingCriteria(p95_ms=0), "greater than 0"),
    ],
)
def test_serving_criteria_that_cannot_be_kept_are_refused(
    make: Callable[[], ServingCriteria], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        make()


MISFITS = {
    "another task's": (
        "model.task=regression",
        "gates.model.bounds.0.metric = 'auc': auc is a metric of binary, and the model's task is "
        "regression; there are: mae, rmse",
    ),
    "unknown": (
        "gates.model.bounds=[{metric: acuracy, at_least: 0.5}]",
        "gates.model.bounds.0.metric = 'acuracy': there is no metric acuracy of a binary model; "
        "did you mean accuracy?",
    ),
    "not compared": (
        "gates.model.not_worse=[{metric: calibration, margin: 0.1}]",
        "gates.model.not_worse.0.metric = 'calibration': models are not compared by it; name it "
        "among the bounds.",
    ),
    "not by slice": (
        "gates.model.not_worse=[{metric: auc, margin: 0.1, by: [{feature: company}]}]",
        "gates.model.not_worse.0.metric = 'auc': slices are compared by losses of rows",
    ),
}


@pytest.mark.parametrize(("override", "words"), MISFITS.values(), ids=MISFITS)
def test_a_metric_that_does_not_fit_is_refused_at_its_place(override: str, words: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(ROOT, overrides=[override])
    assert words in str(error.value)


def test_every_metric_that_does_not_fit_is_named() -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(ROOT, overrides=["model.task=regression"])
    gates = [line for line in str(error.value).splitlines() if "gates.model" in line]
    assert len(gates) == 6
    assert all("is a metric of binary" in line for line in gates)


def test_metrics_of_the_task_are_taken() -> None:
    names = ["recall/Gentoo", "top_2_accuracy"]
    bounds = ", ".join(f"{{metric: {name}, at_least: 0.5}}" for name in names)
    overrides = [
        f"gates.model.bounds=[{bounds}]",
        "gates.model.not_worse=[{metric: macro_f1, margin: 0.01}]",
    ]
    settings = load_settings(ROOT, overrides=overrides, use_case="penguins")
    assert [bound.metric for bound in settings.gates.model.bounds] == names
