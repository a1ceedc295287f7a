"""The functions of the arrivals model that the settings name.

Each passes the declaration to the library for tables; code specific to arrivals can replace or wrap
them, as in any TFX pipeline.
"""

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray
from tfx.components.trainer.fn_args_utils import FnArgs

from evergreen.tabular.labels import labels
from evergreen.tabular.preprocessing import preprocess
from evergreen.tabular.training import train
from models.arrivals.features import ARRIVALS


def preprocessing_fn(inputs: dict[str, tf.Tensor | tf.SparseTensor]) -> dict[str, tf.Tensor]:
    """Transforms raw rows; called by TFX's Transform."""
    return preprocess(ARRIVALS, inputs)


def run_fn(fn_args: FnArgs) -> None:
    """Trains, measures and exports the model; called by TFX's Trainer."""
    train(ARRIVALS, fn_args)


def label(rows: pa.Table) -> NDArray[np.float64]:
    """Returns the labels of raw rows, float64 [n], NaN if unknown, for replays."""
    return labels(ARRIVALS, rows)
