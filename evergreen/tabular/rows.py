"""Training rows: transformed when read, kept in memory, and divided into batches."""

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from evergreen.serving.trial.contract import check_labels
from evergreen.serving.trial.contract import known as has_label
from evergreen.tabular.labels import check_weight
from evergreen.tabular.table import Table
from evergreen.tabular.transformer import Transformer
from evergreen.tf_examples import examples

_READ_ROWS = 4096


@dataclass(frozen=True)
class Rows:
    """Labelled rows in memory, at some 100 bytes each: ten million per gigabyte.

    Attributes:
        features: Transformed features by name, each [n].
        labels: float32 [n, 1]: 0 or 1, the index of a class, or a number.
        weights: float32 [n], from 0; None if all rows count alike.
        left_out: The number of rows that were left out for want of a label or a weight.
    """

    features: dict[str, np.ndarray]
    labels: np.ndarray
    weights: np.ndarray | None = None
    left_out: int = 0

    @property
    def columns(self) -> tuple[Any, ...]:
        """What Keras takes: features, labels, and weights if there are any."""
        weights = () if self.weights is None else (self.weights,)
        return (self.features, self.labels, *weights)

    def of(self, model: keras.Model) -> "Rows":
        """Returns the rows with the features that a model takes.

        Issue: Keras 3.15 assigns a dict with other features than these to the model's inputs by
        their place, with a warning only. Solution: it gets no others.

        Raises:
            ValueError: If the model takes a feature that Transform does not emit.
        """
        names = [tensor.name for tensor in model.inputs]
        missing = [name for name in names if name not in self.features]
        if missing:
            raise ValueError(
                f"the model takes {', '.join(missing)}, which preprocessing_fn does not return; "
                f"it returns {', '.join(sorted(self.features))}"
            )
        return replace(self, features={name: self.features[name] for name in names})


def read_rows(patterns: list[str], transformer: Transformer, table: Table) -> Rows:
    """Reads raw examples into memory, transformed, without those whose label is unknown.

    Args:
        patterns: Patterns of files of `tf.Example`s.
        transformer: Transforms the examples.
        table: The declaration, with the names of label and weight.

    Raises:
        ValueError: If no row is left.
        ContractError: If a label does not fit the task, or a weight is below 0 or infinite.
    """
    where = ", ".join(patterns)
    columns = _transformed(patterns, transformer)
    labels = columns.pop(table.label.name)
    task, classes = table.label.task, table.label.classes
    check_labels(labels, where=where, task=task, classes=len(classes))
    known = has_label(labels, task)
    weights = columns.pop(table.weight.name) if table.weight else None
    if weights is not None:
        check_weight(weights, where)
        known &= ~np.isnan(weights)
    if not known.any():
        needed = table.label.name + (f" and {table.weight.name}" if table.weight else "")
        raise ValueError(f"no example with a label ({needed}) in {where}")
    return Rows(
        {name: values[known] for name, values in columns.items()},
        labels[known, np.newaxis].astype(np.float32),
        None if weights is None else weights[known].astype(np.float32),
        left_out=int((~known).sum()),
    )


def _transformed(patterns: list[str], transformer: Transformer) -> dict[str, np.ndarray]:
    files = [file for pattern in patterns for file in sorted(tf.io.gfile.glob(pattern))]
    raw = examples(files).batch(_READ_ROWS)
    transformed = raw.map(transformer.transform_examples, tf.data.AUTOTUNE)
    batches = list(transformed.as_numpy_iterator())
    if not batches:
        raise ValueError(f"no examples in {', '.join(patterns)}")
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def shuffled_batches(rows: Rows, size: int, seed: int) -> tf.data.Dataset:
    """Returns the rows in batches, each time in another order; the last batch may be smaller.

    Args:
        rows: Rows.
        size: Rows in a batch.
        seed: The seed of the orders.
    """
    count = len(rows.labels)
    columns = tf.nest.map_structure(tf.constant, rows.columns)
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
    columns = tf.nest.map_structure(tf.constant, rows.columns)
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
