"""The network: a small perceptron on piecewise linear ranks and one-hot ids."""

from collections.abc import Callable

import keras
import numpy as np

from evergreen.settings.task import Task
from evergreen.tabular.features import Number, transformed_name
from evergreen.tabular.hyperparameters import HyperParameters
from evergreen.tabular.rows import Rows
from evergreen.tabular.table import Ids, Label, Table

Loss = str | Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]

STEPS_AT_ONCE = 32
"""Steps per call of TensorFlow: a step of such a small network takes less than a call from
Python."""

DROPOUT = {Task.BINARY: 0.5, Task.MULTICLASS: 0.5, Task.REGRESSION: 0.0}
MOST_ONE_HOT = 128
"""The most values of an id that get a column each; an id of more is embedded."""
EMBEDDED = 16
"""Columns of an embedded id."""


def perceptron(table: Table, parameters: HyperParameters, rows: Rows | None = None) -> keras.Model:
    """Builds and compiles the network of a table.

    Trees beat a plain network where the target jumps at certain values. Ramps, the piecewise
    linear encoding of Gorishniy et al., "On Embeddings for Numerical Features in Tabular Deep
    Learning" (2022), let the network bend at each quantile of a number.

    Args:
        table: The declaration.
        parameters: Sizes, dropout and learning rate; the training's parameters are not used.
        rows: The training rows. A regression starts from mean and spread of their labels.

    Returns:
        A compiled model from transformed features by name, each [n], to float32 [n, 1], the
        probability of 1 or the number, or to float32 [n, classes], their probabilities.
    """
    inputs = model_inputs(table)
    hidden = keras.layers.Concatenate()(encoded(table, inputs))
    dropout = DROPOUT[table.label.task] if parameters.dropout is None else parameters.dropout
    for units in parameters.hidden_units:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
        hidden = keras.layers.Dropout(dropout)(hidden)
    mean, spread = _scale(table.label, rows)
    answer, loss = _head(table.label, hidden, mean, spread)
    model = keras.Model(inputs, answer, name=table.name)
    optimizer = keras.optimizers.Adam(parameters.learning_rate)
    model.compile(optimizer, loss=loss, steps_per_execution=STEPS_AT_ONCE)
    return model


def _head(
    label: Label, hidden: keras.KerasTensor, mean: float, spread: float
) -> tuple[keras.KerasTensor, Loss]:
    """Returns the answer from the last hidden layer, and the loss that fits the task."""
    if label.task is Task.BINARY:
        answer = keras.layers.Dense(1, activation="sigmoid", name="probabilities")(hidden)
        return answer, "binary_crossentropy"
    if label.task is Task.MULTICLASS:
        layer = keras.layers.Dense(len(label.classes), activation="softmax", name="probabilities")
        return layer(hidden), "sparse_categorical_crossentropy"
    standardized = keras.layers.Dense(1)(hidden)
    answer = keras.layers.Rescaling(spread, mean, name="predictions")(standardized)
    return answer, lambda truth, answers: keras.ops.mean(
        keras.ops.square((answers - truth) / spread), axis=-1
    )


def _scale(label: Label, rows: Rows | None) -> tuple[float, float]:
    """Returns mean and standard deviation of a regression's labels; 0 and 1 without any."""
    if label.task is not Task.REGRESSION or rows is None:
        return 0.0, 1.0
    labels = rows.labels.astype(np.float64)
    return float(labels.mean()), float(labels.std()) or 1.0


def model_inputs(table: Table) -> dict[str, keras.KerasTensor]:
    """Returns Keras inputs of all transformed features by name, each [n]."""
    types = dict.fromkeys(table.floats, "float32")
    types |= dict.fromkeys((transformed_name(item.name) for item in table.ids), "int64")
    return {name: keras.Input((), dtype=dtype, name=name) for name, dtype in types.items()}


def encoded(table: Table, inputs: dict[str, keras.KerasTensor]) -> list[keras.KerasTensor]:
    """Returns the first layer's inputs from each feature, float32 [n, columns]."""
    numbers = [part for number in table.numbers for part in _number(number, inputs)]
    if table.extends:
        numbers += [_beyond(inputs[transformed_name(number.name)]) for number in table.numbers]
    return numbers + [_id(item, inputs) for item in table.ids]


def _id(item: Ids, inputs: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
    ids = inputs[transformed_name(item.name)]
    if item.size > MOST_ONE_HOT:
        return keras.layers.Embedding(item.size + 1, EMBEDDED)(ids)
    # Id 0, missing, becomes -1, whose row is all zeros and adds nothing to the network.
    return keras.ops.one_hot(ids - 1, item.size)


def _number(number: Number, inputs: dict[str, keras.KerasTensor]) -> list[keras.KerasTensor]:
    ramps = _ramps(inputs[transformed_name(number.name)], number.ramps)
    return [ramps, inputs[number.flag][:, None]] if number.flag_missing else [ramps]


def _ramps(ranks: keras.KerasTensor, count: int) -> keras.KerasTensor:
    """Returns [n, count]: ramp k rises from 0 to 1 over step k of the `count` steps of the rank."""
    starts = keras.ops.arange(count, dtype="float32")
    return keras.ops.clip(ranks[:, None] * count - starts, 0.0, 1.0)


def _beyond(ranks: keras.KerasTensor) -> keras.KerasTensor:
    """Returns [n, 2]: how far a rank is below 0, and how far above 1."""
    ranks = ranks[:, None]
    return keras.ops.concatenate([keras.ops.relu(-ranks), keras.ops.relu(ranks - 1)], axis=1)
