"""Small models with the two ways to be asked, right and wrong."""

from collections.abc import Callable, Mapping
from pathlib import Path

import tensorflow as tf

EXAMPLES = tf.TensorSpec([None], tf.string, name="examples")
RAW = {
    "fare": tf.TensorSpec([None], tf.float32, name="fare"),
    "hour": tf.TensorSpec([None], tf.int64, name="hour"),
    "payment": tf.TensorSpec([None], tf.string, name="payment"),
}
PARSED = {
    "fare": tf.io.FixedLenFeature([], tf.float32, float("nan")),
    "hour": tf.io.FixedLenFeature([], tf.int64, -1),
    "payment": tf.io.FixedLenFeature([], tf.string, ""),
}
Answer = Callable[[Mapping[str, tf.Tensor]], dict[str, tf.Tensor]]


def probabilities(features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Different for each value, and for each missing one."""
    fare = tf.where(tf.math.is_nan(features["fare"]), 3.5, features["fare"])
    hour = tf.cast(features["hour"], tf.float32)
    payment = tf.cast(tf.strings.length(features["payment"]), tf.float32)
    return {"probabilities": tf.sigmoid(fare / 7 - hour / 11 + payment / 13)}


def shifted(features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Slightly off, as if a client's features were computed in another way."""
    return {"probabilities": probabilities(features)["probabilities"] + 1e-3}


def undefined(features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """NaN where the fare is missing."""
    return {"probabilities": probabilities(features)["probabilities"] + 0 * features["fare"]}


def mixed(features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Depends on the rows that it is asked with."""
    answer = probabilities(features)["probabilities"]
    return {"probabilities": answer - tf.reduce_mean(answer)}


def crooked(features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """One row short, which its declared shape does not tell."""
    return {"probabilities": probabilities(features)["probabilities"][1:]}


def explained(features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Outputs of several types and ranks."""
    answer = probabilities(features)["probabilities"]
    return {
        "probabilities": answer,
        "pair": tf.stack([answer, 1 - answer], axis=1),
        "hour": features["hour"],
        "paid_by": features["payment"],
    }


def whole(features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """One answer to all rows together."""
    return {"mean": tf.reduce_mean(probabilities(features)["probabilities"])}


def endless(features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Never answers."""
    [count] = tf.while_loop(lambda i: i >= 0, lambda i: [(i + 1) % 1000], [tf.constant(0)])
    answer = probabilities(features)["probabilities"]
    return {"probabilities": answer + tf.cast(count, tf.float32)}


def export(folder: Path, raw: Mapping[str, Answer] | None = None) -> Path:
    """Exports a model.

    Args:
        folder: Where to.
        raw: Signatures that take one tensor a feature, by name; one right `raw` unless given.
    """

    @tf.function(input_signature=[EXAMPLES])
    def serving_default(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return probabilities(tf.io.parse_example(examples, PARSED))

    signatures = {"serving_default": serving_default}
    for name, answer in (raw or {"raw": probabilities}).items():
        signatures[name] = tf.function(answer, input_signature=[RAW])
    module = tf.Module()
    module.weight = tf.Variable(1.0)  # so that a server reads the files of variables
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return folder
