"""Trains the taxi model, or fails, as the test says: TFX imports this anew for each training."""

import os

from tfx.components.trainer.fn_args_utils import FnArgs

from models.taxi import model

REASON = "EVERGREEN_TEST_FAILS"
"""The environment variable with the reason to fail; there is none if it is not set."""


def run_fn(fn_args: FnArgs) -> None:
    """As the taxi model's, unless there is a reason to fail."""
    if reason := os.environ.get(REASON):
        raise RuntimeError(reason)
    model.run_fn(fn_args)
