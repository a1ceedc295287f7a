"""Training rows: transformed when read, kept in memory, and divided into batches."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from evergreen.serving.trial.contract import check_labels
from evergreen.tabular.transformer import Transformer
from evergreen.tf_examples import examples

_READ_ROWS = 4096


class Rows(NamedTuple):
    """Labelled rows in memory, at some 100 bytes each: ten million per gigabyte.

    Attributes:
        features: Transformed features by name, each [n].
        labels: float32 [n, 1], 0 or 1.
    """

    features: dict[str, np.ndarray]
    labels: np.ndarray


def read_rows(patterns: list[str], transformer: Transformer, label: str) -> Rows:
    """Reads raw examples into memory, transformed, without those whose label is unknown.

    Args:
        patterns: Patterns of files of `tf.Example`s.
        transformer: Transforms the examples.
        label: The name of the transformed label.

    Raises:
        ValueError: If no row is left.
        ContractError: If a label is not 0, 1 or unknown.
    """
    files = [file for pattern in patterns for file in sorted(tf.io.gfile.glob(pattern))]
    raw = examples(files).batch(_READ_ROWS)
    transformed = raw.map(transformer.transform_examples, tf.data.AUTOTUNE)
    batches = list(transformed.as_numpy_iterator())
    if not batches:
        raise ValueError(f"no examples in {', '.join(patterns)}")
    columns = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    labels = columns.pop(label)
    check_labels(labels, where=", ".join(patterns))
    known = labels >= 0  # NaN is not
    if not known.any():
        raise ValueError(f"no example with a label ({label}) in {', '.join(patterns)}")
    features = {name: values[known] for name, values in columns.items()}
    return Rows(features, labels[known, np.newaxis].astype(np.float32))


def shuffled_batches(rows: Rows, size: int, seed: int) -> tf.data.Dataset:
    """Returns the rows in batches, each time in another order; the last batch may be smaller.

    Args:
        rows: Rows.
        size: Rows in a batch.
        seed: The seed of the orders.
    """
    count = len(rows.labels)
    columns = tf.nest.map_structure(tf.constant, tuple(rows))
    orders = tf.data.Dataset.range(count).shuffle(count, seed=seed).batch(size)
    # Gathering whole batches is several times faster than batching single rows.
    batches = orders.map(lambda at: tf.nest.map_structure(lambda x: tf.gather(x, at), columns))
    return _plain(batches.prefetch(2))


def ordered_batches(rows: Rows, size: int) -> tf.data.Dataset:
    """Returns the rows once, in order; in one batch if they fit.

    Args:
        rows: Rows.
        size: Rows in a batch.
    """
    columns = tf.nest.map_structure(tf.constant, tuple(rows))
    starts = tf.data.Dataset.range(0, len(rows.labels), size)
    return _plain(
        starts.map(lambda at: tf.nest.map_structure(lambda x: x[at : at + size], columns))
    )


def _plain(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Turns off options of tf.data whose set-up takes as long as an epoch of small data."""
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    return dataset.with_options(options)
