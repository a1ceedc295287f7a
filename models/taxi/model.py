"""The functions of the taxi model that the settings name.

Each passes the declaration to the library for tables; code specific to the taxi can replace or wrap
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
from models.taxi.features import TRIPS


def preprocessing_fn(inputs: dict[str, tf.Tensor | tf.SparseTensor]) -> dict[str, tf.Tensor]:
    """Transforms raw trips; called by TFX's Transform."""
    return preprocess(TRIPS, inputs)


def run_fn(fn_args: FnArgs) -> None:
    """Trains, measures and exports the model; called by TFX's Trainer."""
    train(TRIPS, fn_args)


def label(trips: pa.Table) -> NDArray[np.float64]:
    """Returns the labels of raw trips, float64 [n], NaN if unknown, for replays."""
    return labels(TRIPS, trips)
