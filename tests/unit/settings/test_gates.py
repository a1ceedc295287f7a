"""Criteria are checked when they are declared."""

import pytest
from pydantic import ValidationError

from evergreen.settings import load_settings
from evergreen.settings.gates import Bound, Criteria, NotWorse, Slicing
from tests.project import ROOT

PAYMENT = Slicing(feature="payment")


def test_a_gate_without_absolute_thresholds_is_not_built() -> None:
    with pytest.raises(ValidationError):
        Criteria(bounds=())
    with pytest.raises(ValidationError, match="neither"):
        Bound(metric="auc")
    with pytest.raises(ValidationError, match="log_loss"):
        NotWorse(metric="auc", margin=0.0, by=(PAYMENT,))
    assert load_settings(ROOT).gates.model.bounds
