"""Trains the taxi model, or fails, as the test says."""

from tfx.components.trainer.fn_args_utils import FnArgs

from models.taxi import training

REASONS: list[str] = []
"""Why it fails in this process; it does not, if there is none."""


def run_fn(fn_args: FnArgs) -> None:
    """As the taxi model's, unless there is a reason to fail."""
    if REASONS:
        raise RuntimeError(REASONS[-1])
    training.run_fn(fn_args)
