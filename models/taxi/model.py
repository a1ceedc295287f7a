"""The network: piecewise linear ranks and one-hot categories into a small perceptron."""

import keras

from models.taxi.features import INTEGERS, NUMBERS, TEXTS, transformed_name
from models.taxi.hyperparameters import HyperParameters

_STEPS_AT_ONCE = 32
"""In one call of TensorFlow: a step of so small a network takes less than a call from Python."""


def build_model(parameters: HyperParameters) -> keras.Model:
    """Builds and compiles the model.

    Trees beat a plain network on these data since tips jump at certain fares. Ramps, the
    piecewise linear encoding of Gorishniy et al., "On Embeddings for Numerical Features in Tabular
    Deep Learning" (2022), let the network bend at each quantile of a number.

    Args:
        parameters: Sizes, dropout and learning rate; those of training are not used.

    Returns:
        A compiled model from transformed features by name, each [n], to probabilities float32
        [n, 1].
    """
    inputs = _inputs()
    hidden = keras.layers.Concatenate()(_encoded(inputs))
    for units in parameters.hidden_units:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
        hidden = keras.layers.Dropout(parameters.dropout)(hidden)
    probabilities = keras.layers.Dense(1, activation="sigmoid", name="probabilities")(hidden)
    model = keras.Model(inputs, probabilities, name="taxi")
    optimizer = keras.optimizers.Adam(parameters.learning_rate)
    model.compile(optimizer, loss="binary_crossentropy", steps_per_execution=_STEPS_AT_ONCE)
    return model


def _inputs() -> dict[str, keras.KerasTensor]:
    floats = [n.name for n in NUMBERS] + [n.missing_name for n in NUMBERS if n.flag_missing]
    types = dict.fromkeys(floats, "float32")
    types |= dict.fromkeys([feature.name for feature in (*INTEGERS, *TEXTS)], "int64")
    names = {transformed_name(name): dtype for name, dtype in types.items()}
    return {name: keras.Input((), dtype=dtype, name=name) for name, dtype in names.items()}


def _encoded(inputs: dict[str, keras.KerasTensor]) -> list[keras.KerasTensor]:
    parts = []
    for number in NUMBERS:
        parts.append(_ramps(inputs[transformed_name(number.name)], number.ramps))
        if number.flag_missing:
            parts.append(inputs[transformed_name(number.missing_name)][:, None])
    for feature in (*INTEGERS, *TEXTS):
        # Id 0, missing, becomes -1, whose row is all zeros: nothing is added to the network.
        ids = inputs[transformed_name(feature.name)] - 1
        parts.append(keras.ops.one_hot(ids, feature.size))
    return parts


def _ramps(ranks: keras.KerasTensor, count: int) -> keras.KerasTensor:
    """Returns [n, count]: ramp k rises from 0 to 1 over step k of the `count` steps of the rank."""
    starts = keras.ops.arange(count, dtype="float32")
    return keras.ops.clip(ranks[:, None] * count - starts, 0.0, 1.0)
