"""SavedModels that the tests are answered by."""

from pathlib import Path

import tensorflow as tf

FLOATS = tf.TensorSpec([None], tf.float32, "x")
TEXTS = tf.TensorSpec([None], tf.string, "inputs")
ANY = {
    "bool": tf.bool,
    "float": tf.float32,
    "double": tf.float64,
    "int8": tf.int8,
    "uint16": tf.uint16,
    "int32": tf.int32,
    "int64": tf.int64,
    "uint64": tf.uint64,
    "text": tf.string,
}
"""Inputs of the signature that gives back what it gets, by their names."""


class HalfPlusThree(tf.Module):
    """The model of TensorFlow Serving's documentation."""

    @tf.function(input_signature=[FLOATS])
    def predict(self, x):
        return {"y": x / 2 + 3}

    @tf.function(input_signature=[TEXTS])
    def regress(self, inputs):
        return {"outputs": _x(inputs) / 2 + 3}

    @tf.function(input_signature=[TEXTS])
    def classify(self, inputs):
        x = _x(inputs)
        classes = tf.repeat([["low", "high"]], len(x), axis=0)
        return {"classes": classes, "scores": tf.concat([1 - x, x], axis=1)}


class Many(tf.Module):
    """Signatures with several inputs, several outputs, and what else may happen."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "tag"),
            tf.TensorSpec([None, 5], tf.float32, "signal"),
            tf.TensorSpec([None, 2, 2], tf.int32, "sensor"),
        ]
    )
    def predict(self, tag, signal, sensor):
        total = tf.reduce_sum(signal, axis=1)
        return {"tag": tag, "tag_bytes": tag, "total": total, "sensor": sensor}

    @tf.function(input_signature=[FLOATS])
    def uneven(self, x):
        return {"all": x, "first": x[:1]}

    @tf.function(input_signature=[FLOATS])
    def scalar(self, x):
        return {"sum": tf.reduce_sum(x)}

    @tf.function(input_signature=[FLOATS])
    def inverse(self, x):
        return {"y": 1 / x, "x": x}

    @tf.function(input_signature=[FLOATS])
    def slow(self, x):
        return {"y": tf.while_loop(lambda i: i < 1_000_000, lambda i: i + 1, [x[0]])[0]}

    @tf.function(input_signature=[tf.TensorSpec([None, 2, 2], tf.float32, "x")])
    def invert_matrix(self, x):
        return {"y": tf.linalg.inv(x)}


def save(folder: Path) -> None:
    """Writes half_plus_three/123 and many/1 into a folder."""
    model = HalfPlusThree()
    signatures = {
        "serving_default": model.predict,
        "tensorflow/serving/regress": model.regress,
        "classify": model.classify,
    }
    tf.saved_model.save(model, f"{folder}/half_plus_three/123", signatures)
    many = Many()
    names = ["uneven", "scalar", "inverse", "slow", "invert_matrix"]
    by_name = {name: getattr(many, name) for name in names}
    echo = tf.function(lambda **values: {name: tf.identity(v) for name, v in values.items()})
    by_name["echo"] = echo.get_concrete_function(
        **{name: tf.TensorSpec(None, dtype, name) for name, dtype in ANY.items()}
    )
    tf.saved_model.save(many, f"{folder}/many/1", {"serving_default": many.predict, **by_name})


def _x(examples: tf.Tensor) -> tf.Tensor:
    return tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
