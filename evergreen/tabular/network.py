"""The network: a small perceptron on piecewise linear ranks and one-hot ids."""

import keras

from evergreen.tabular.features import Number, transformed_name
from evergreen.tabular.hyperparameters import HyperParameters
from evergreen.tabular.table import Table

STEPS_AT_ONCE = 32
"""Steps per call of TensorFlow: a step of such a small network takes less than a call from
Python."""


def perceptron(table: Table, parameters: HyperParameters) -> keras.Model:
    """Builds and compiles the network of a table.

    Trees beat a plain network where the target jumps at certain values. Ramps, the piecewise
    linear encoding of Gorishniy et al., "On Embeddings for Numerical Features in Tabular Deep
    Learning" (2022), let the network bend at each quantile of a number.

    Args:
        table: The declaration.
        parameters: Sizes, dropout and learning rate; the training's parameters are not used.

    Returns:
        A compiled model from transformed features by name, each [n], to probabilities float32
        [n, 1].
    """
    inputs = model_inputs(table)
    hidden = keras.layers.Concatenate()(encoded(table, inputs))
    for units in parameters.hidden_units:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
        hidden = keras.layers.Dropout(parameters.dropout)(hidden)
    probabilities = keras.layers.Dense(1, activation="sigmoid", name="probabilities")(hidden)
    model = keras.Model(inputs, probabilities, name=table.name)
    optimizer = keras.optimizers.Adam(parameters.learning_rate)
    model.compile(optimizer, loss="binary_crossentropy", steps_per_execution=STEPS_AT_ONCE)
    return model


def model_inputs(table: Table) -> dict[str, keras.KerasTensor]:
    """Returns Keras inputs of all transformed features by name, each [n]."""
    types = dict.fromkeys(table.floats, "float32")
    types |= dict.fromkeys((transformed_name(item.name) for item in table.ids), "int64")
    return {name: keras.Input((), dtype=dtype, name=name) for name, dtype in types.items()}


def encoded(table: Table, inputs: dict[str, keras.KerasTensor]) -> list[keras.KerasTensor]:
    """Returns the first layer's inputs from each feature, float32 [n, columns]."""
    numbers = [part for number in table.numbers for part in _number(number, inputs)]
    # Id 0, missing, becomes -1, whose row is all zeros and adds nothing to the network.
    ids = [
        keras.ops.one_hot(inputs[transformed_name(item.name)] - 1, item.size) for item in table.ids
    ]
    return numbers + ids


def _number(number: Number, inputs: dict[str, keras.KerasTensor]) -> list[keras.KerasTensor]:
    ramps = _ramps(inputs[transformed_name(number.name)], number.ramps)
    return [ramps, inputs[number.flag][:, None]] if number.flag_missing else [ramps]


def _ramps(ranks: keras.KerasTensor, count: int) -> keras.KerasTensor:
    """Returns [n, count]: ramp k rises from 0 to 1 over step k of the `count` steps of the rank."""
    starts = keras.ops.arange(count, dtype="float32")
    return keras.ops.clip(ranks[:, None] * count - starts, 0.0, 1.0)
