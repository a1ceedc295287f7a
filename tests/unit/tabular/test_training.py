import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from evergreen.serving.trial.contract import ContractError
from evergreen.tabular.hyperparameters import HyperParameters
from evergreen.tabular.network import perceptron
from evergreen.tabular.rows import Rows, ordered_batches, read_rows, shuffled_batches
from evergreen.tabular.training import fit, measure
from models.taxi.features import TRIPS
from tests.unit.tabular.conftest import serialize, write_examples


def first(rows, count):
    features = {name: values[:count] for name, values in rows.features.items()}
    return Rows(features, rows.labels[:count])


def test_the_loss_falls_and_the_best_weights_are_kept(fn_args):
    history = json.loads((Path(fn_args.model_run_dir) / "history.json").read_text())
    metrics = json.loads((Path(fn_args.model_run_dir) / "metrics.json").read_text())
    assert history["loss"][-1] < 0.75 * history["loss"][0]
    assert metrics["eval"]["log_loss"] == pytest.approx(min(history["val_loss"]), abs=1e-4)
    assert metrics["train"]["auc"] > 0.95
    assert metrics["eval"]["auc"] > 0.94


def test_losses_are_logged_for_tensorboard(fn_args):
    assert list(Path(fn_args.model_run_dir).glob("*/events.out.tfevents.*"))


def test_all_labelled_rows_are_read(splits, trips):
    for name, rows in splits.items():
        assert sorted(rows.labels[:, 0]) == sorted(trips.split(name).label)


def test_a_few_rows_can_be_learned_by_heart(splits):
    keras.utils.set_random_seed(1)
    few = first(splits["train"], 32)
    parameters = HyperParameters(dropout=0.0, learning_rate=0.02, max_epochs=40, patience=40)
    model = perceptron(TRIPS, parameters)
    fit(model, few, few, parameters)
    assert 0 < few.labels.sum() < 32
    assert measure(model, few)["log_loss"] < 0.05


def test_the_same_seed_gives_the_same_model(splits):
    few, parameters = first(splits["train"], 600), HyperParameters(max_epochs=2)
    losses = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        losses.append(fit(perceptron(TRIPS, parameters), few, few, parameters)["loss"])
    assert losses[0] == losses[1]


def test_measures_are_those_of_the_definition():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    probabilities = np.float32([[0.1], [0.8], [0.4], [0.9]])
    labels = np.float32([[0], [0], [1], [1]])
    # Of the four pairs of a 0 and a 1, three are in order: (.1, .4), (.1, .9), (.8, .9).
    measured = measure(model, Rows(probabilities, labels))
    expected = -np.mean(np.log([0.9, 0.2, 0.4, 0.9]))
    of_answers = {
        "log_loss": expected,
        "brier": (0.1**2 + 0.8**2 + 0.6**2 + 0.1**2) / 4,
        "accuracy": 0.5,
        "auc": 0.75,
        "calibration": 2.2 / 2,
        "calibration_error": (0.1 + 0.6 + 0.7) / 4,  # 0.9 as float32 is less: in the bin of 0.8
    }
    assert measured == pytest.approx({"example_count": 4, "left_out": 0} | of_answers, abs=1e-4)


def test_measures_of_one_class_alone_have_no_area():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    measured = measure(model, Rows(np.float32([[0.1], [0.8]]), np.float32([[0], [0]])))
    assert measured["auc"] is None
    assert measured["log_loss"] is not None


def write_labelled(trips, file, labels):
    """Writes some trips of the train split, with tips that give them labels of their own."""
    rows = trips.split("train").head(len(labels)).assign(fare=10.0)
    tips = {-1: None, 0: 0.0, 1: 5.0}
    raw = rows.astype(object).where(rows.notna(), None).drop(columns=["bucket", "label", "example"])
    pairs = zip(raw.to_dict("records"), labels, strict=True)
    records = [row | {"tips": tips[label]} for row, label in pairs]
    write_examples(map(serialize, records), file)


def test_rows_without_a_label_are_left_out(splits, transformer, trips, tmp_path):
    write_labelled(trips, tmp_path / "rows.gz", [-1, 1, 0, -1])
    rows = read_rows([str(tmp_path / "rows.gz")], transformer, TRIPS)
    assert (rows.labels.tolist(), rows.left_out) == ([[1.0], [0.0]], 2)
    read = splits["train"].features["trip_miles_xf"]
    np.testing.assert_array_equal(rows.features["trip_miles_xf"], read[1:3])


@pytest.mark.parametrize(
    ("labels", "message"),
    [([-1, -1], r"no example with a label \(big_tip\) in"), ([], "no examples in")],
)
def test_a_split_without_labels_is_an_error(transformer, trips, tmp_path, labels, message):
    write_labelled(trips, tmp_path / "rows.gz", labels)
    with pytest.raises(ValueError, match=f"{message} .*rows.gz"):
        read_rows([str(tmp_path / "rows.gz")], transformer, TRIPS)


class Counting:
    """Makes of each example a row whose label is its number."""

    def transform_examples(self, examples):
        return {"big_tip": tf.range(tf.size(examples, tf.int64))}


def test_other_labels_are_refused_before_anything_is_trained(tmp_path):
    write_examples([b""] * 4, tmp_path / "rows.gz")
    with pytest.raises(ContractError, match=r"rows.gz: labels .*; row 3 has 2, row 4 has 3\."):
        read_rows([str(tmp_path / "rows.gz")], Counting(), TRIPS)


def test_each_epoch_has_each_row_once_in_another_order(splits):
    rows = first(splits["train"], 100)
    batches = shuffled_batches(rows, 30, seed=0)
    epochs = [list(batches.as_numpy_iterator()) for _ in range(2)]
    assert [[len(labels) for _, labels in epoch] for epoch in epochs] == [[30, 30, 30, 10]] * 2
    seen = [
        np.concatenate([features["fare_xf"] for features, _ in epoch]).tolist() for epoch in epochs
    ]
    assert sorted(seen[0]) == sorted(seen[1]) == sorted(rows.features["fare_xf"].tolist())
    assert seen[0] != seen[1]


@pytest.mark.parametrize(("size", "sizes"), [(100, [100]), (64, [64, 36]), (4096, [100])])
def test_rows_come_once_and_in_their_order(splits, size, sizes):
    rows = first(splits["eval"], 100)
    batches = list(ordered_batches(rows, size).as_numpy_iterator())
    assert [len(labels) for _, labels in batches] == sizes
    assert np.array_equal(np.concatenate([labels for _, labels in batches]), rows.labels)
    for name, values in rows.features.items():
        assert np.array_equal(np.concatenate([features[name] for features, _ in batches]), values)
