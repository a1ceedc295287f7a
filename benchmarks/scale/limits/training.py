"""Training at its least: the model of ours on tensors in memory, one epoch in the order they have.

Read, decoded and in memory before the clock starts; no shuffling, no measuring, no export.

Usage: python -m benchmarks.scale.limits.training TRANSFORM_GRAPH EXAMPLES BATCH STEPS
"""

import sys
from functools import partial
from pathlib import Path

import keras
import tensorflow as tf
import tensorflow_transform as tft

from models.taxi.features import LABEL
from models.taxi.hyperparameters import HyperParameters
from models.taxi.model import build_model

READ_ROWS = 65_536
Tensors = dict[str, tf.Tensor]


def load(graph: str, examples: Path) -> tuple[Tensors, tf.Tensor]:
    """Returns the transformed features and labels of all rows of a folder."""
    spec = tft.TFTransformOutput(graph).transformed_feature_spec()
    files = sorted(str(file) for file in examples.iterdir())
    compression = "GZIP" if files[0].endswith(".gz") else ""
    dataset = tf.data.TFRecordDataset(files, compression).batch(READ_ROWS)
    batches = [tf.io.parse_example(records, spec) for records in dataset]
    features = {name: tf.concat([batch[name] for batch in batches], 0) for name in spec}
    return features, tf.cast(features.pop(LABEL), tf.float32)[:, tf.newaxis]


def train(features: Tensors, labels: tf.Tensor, batch: int, steps: int) -> int:
    """Takes the steps; returns how many rows they had."""
    keras.utils.set_random_seed(0)
    model = build_model(HyperParameters())
    model.fit(features, labels, batch_size=batch, steps_per_epoch=steps, shuffle=False, verbose=0)
    return len(labels)


if __name__ == "__main__":
    from benchmarks.scale.limits.timing import timed

    graph, examples, batch, steps = sys.argv[1:]
    features, labels = load(graph, Path(examples))
    timed(partial(train, features, labels, int(batch), int(steps)))
