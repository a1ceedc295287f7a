"""The network against boosted trees, the usual best on a table, on rows that neither has seen."""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.preprocessing import OrdinalEncoder

from evergreen.tabular.hyperparameters import HyperParameters
from evergreen.tabular.network import perceptron
from evergreen.tabular.training import fit
from models.taxi.features import TRIPS

CATEGORIES = ["payment_type", "company", "pickup_community_area", "dropoff_community_area"]
COLUMNS = [*TRIPS.raw_names, "pickup_community_area", "dropoff_community_area"]


def quality(labels, probabilities):
    """AUC, log loss, and mean prediction over mean label."""
    calibration = np.mean(probabilities) / np.mean(labels)
    return roc_auc_score(labels, probabilities), log_loss(labels, probabilities), calibration


def boosted_trees(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    encoded = encoder.fit_transform(train[CATEGORIES])
    train_rows, test_rows = train[COLUMNS].copy(), test[COLUMNS].copy()
    train_rows[CATEGORIES], test_rows[CATEGORIES] = encoded, encoder.transform(test[CATEGORIES])
    trees = HistGradientBoostingClassifier(categorical_features=CATEGORIES, random_state=0)
    return trees.fit(train_rows, train.label).predict_proba(test_rows)[:, 1]


def test_as_good_as_boosted_trees_in_the_mean_of_five_seeds(exported, splits, trips):
    test = trips.split("test")
    examples = tf.constant(list(test.example))
    features = exported.signatures["transform_features"](examples=examples)
    features.pop("big_tip")
    answers = [exported.signatures["serving_default"](examples=examples)["probabilities"].numpy()]
    for seed in (2, 3, 4, 5):  # The exported model has seed 1.
        keras.utils.set_random_seed(seed)
        parameters = HyperParameters(seed=seed)
        model = perceptron(TRIPS, parameters)
        fit(model, splits["train"], splits["eval"], parameters)
        answers.append(model(features).numpy()[:, 0])
    each = np.array([quality(test.label, answer) for answer in answers])
    auc, loss, calibration = each.mean(axis=0)
    tree_auc, tree_loss, _ = quality(test.label, boosted_trees(trips.split("train"), test))
    assert auc >= tree_auc - 0.003, each
    assert loss <= tree_loss, each
    assert 0.9 <= calibration <= 1.1, each
