"""Training at its least: the model of ours on tensors in memory, one epoch in the order they have.

Read, transformed and in memory before the clock starts; no shuffling, no measuring, no export.

Usage: python -m benchmarks.scale.limits.training TRANSFORM_GRAPH EXAMPLES BATCH
"""

import sys
from functools import partial

import keras
import tensorflow as tf
import tensorflow_transform as tft

from evergreen.tabular.hyperparameters import HyperParameters
from evergreen.tabular.network import perceptron
from evergreen.tabular.rows import read_rows
from evergreen.tabular.transformer import Transformer
from models.taxi.features import TRIPS

Tensors = dict[str, tf.Tensor]


def load(graph: str, examples: str) -> tuple[Tensors, tf.Tensor]:
    """Returns the transformed features and the labels of all rows of a folder."""
    rows = read_rows([f"{examples}/*"], Transformer(tft.TFTransformOutput(graph)), TRIPS.label.name)
    features = {name: tf.constant(values) for name, values in rows.features.items()}
    return features, tf.constant(rows.labels)


def train(features: Tensors, labels: tf.Tensor, batch: int) -> int:
    """Takes each row once; returns how many there are."""
    keras.utils.set_random_seed(0)
    model = perceptron(TRIPS, HyperParameters())
    model.fit(features, labels, batch_size=batch, shuffle=False, verbose=0)
    return len(labels)


if __name__ == "__main__":
    from benchmarks.scale.limits.timing import timed

    graph, examples, batch = sys.argv[1:]
    features, labels = load(graph, examples)
    timed(partial(train, features, labels, int(batch)))
