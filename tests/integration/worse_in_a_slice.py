"""Trains the taxi model well, but for one part of the data: an area whose labels are noise."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from tfx.components.trainer.fn_args_utils import FnArgs

from evergreen.tabular import training
from evergreen.tabular.rows import Rows, read_rows
from models.taxi import model

AREA = "76"
"""O'Hare, 6 % of the trips: the westernmost pick-ups, so those whose longitude ranks lowest."""
FLIPPED = 0.15


def run_fn(fn_args: FnArgs) -> None:
    """As the taxi model's, on rows some of whose labels in `AREA` are wrong."""
    with patch.object(training, "read_rows", _spoilt_rows):
        model.run_fn(fn_args)


def _spoilt_rows(*arguments: Any) -> Rows:
    rows = read_rows(*arguments)
    there = rows.features["pickup_longitude_xf"] <= rows.features["pickup_longitude_xf"].min()
    wrong = there & (np.random.default_rng(0).random(len(there)) < FLIPPED)
    labels = np.where(wrong[:, np.newaxis], 1 - rows.labels, rows.labels)
    return replace(rows, labels=labels.astype(np.float32))
