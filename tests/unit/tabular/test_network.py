import keras
import numpy as np

from evergreen.tabular.features import Category, transformed_name
from evergreen.tabular.hyperparameters import HyperParameters
from evergreen.tabular.network import perceptron
from models.taxi.features import TRIPS


def inputs(rows=1, **columns):
    """Transformed features, all missing but those given."""
    features = {name: np.full(rows, 0.5, np.float32) for name in TRIPS.floats}
    ids = [transformed_name(item.name) for item in TRIPS.ids]
    features |= {name: np.zeros(rows, np.int64) for name in ids}
    return features | {transformed_name(name): np.array(value) for name, value in columns.items()}


def encode(features):
    """What the first hidden layer sees."""
    model = perceptron(TRIPS, HyperParameters())
    joined = next(x for x in model.layers if isinstance(x, keras.layers.Concatenate))
    return keras.Model(model.inputs, joined.output).predict(features, verbose=0)


def test_the_answer_is_a_probability_for_each_row():
    answer = perceptron(TRIPS, HyperParameters()).predict(inputs(rows=3), verbose=0)
    assert (answer.shape, answer.dtype) == ((3, 1), np.float32)
    assert ((answer > 0) & (answer < 1)).all()


def test_layers_have_the_widths_that_were_asked_for():
    model = perceptron(TRIPS, HyperParameters(hidden_units=(5, 3), dropout=0.25, learning_rate=0.5))
    dense = [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert (dense, rates) == ([5, 3, 1], [0.25, 0.25])
    assert float(model.optimizer.learning_rate) == 0.5


def test_a_rank_fills_its_ramps_one_after_the_other():
    ramps = encode(inputs(rows=3, fare=np.float32([0.0, 2.5 / 30, 1.0])))[:, :30]
    np.testing.assert_allclose(ramps[0], np.zeros(30))
    np.testing.assert_allclose(ramps[1], [1.0, 1.0, 0.5] + [0.0] * 27, atol=1e-5)
    np.testing.assert_allclose(ramps[2], np.ones(30))


def test_a_category_is_one_column_and_a_missing_one_is_none():
    payment, company = (item.size for item in TRIPS.ids if isinstance(item, Category))
    encoded = encode(inputs(rows=2, payment_type=np.int64([0, 1])))[:, -payment - company :]
    np.testing.assert_array_equal(encoded[0], np.zeros(payment + company))
    np.testing.assert_array_equal(encoded[1], [1.0] + [0.0] * (payment + company - 1))
