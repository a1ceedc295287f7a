"""SavedModels that the tests serve."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

FLOATS = tf.TensorSpec([None], tf.float32, "x")
TEXTS = tf.TensorSpec([None], tf.string, "inputs")


class HalfPlus(tf.Module):
    """x / 2 + n: the answer tells which version gave it."""

    def __init__(self, addend: float) -> None:
        self.addend = tf.Variable(addend)

    @tf.function(input_signature=[FLOATS])
    def predict(self, x):
        return {"y": x / 2 + self.addend, "x": x}

    @tf.function(input_signature=[TEXTS])
    def regress(self, inputs):
        return {"outputs": _x(inputs) / 2 + self.addend}

    @tf.function(input_signature=[TEXTS])
    def classify(self, inputs):
        x = _x(inputs)
        classes = tf.repeat([["low", "high"]], tf.shape(x)[0], axis=0)
        return {"classes": classes, "scores": tf.concat([1 - x, x], axis=1)}


class Texts(tf.Module):
    """Strings in, strings out; and a tensor that is none of a batch."""

    @tf.function(input_signature=[TEXTS, tf.TensorSpec([None, 2], tf.int64, "numbers")])
    def upper(self, inputs, numbers):
        return {"upper": tf.strings.upper(inputs), "sum": tf.reduce_sum(numbers, axis=1)}

    @tf.function(input_signature=[TEXTS])
    def parsed(self, inputs):
        return {"x": _x(inputs)}


class Mixed(tf.Module):
    """Inputs and outputs whose order by name is none of those they are written in."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float32, "trip_miles"),
            tf.TensorSpec([None], tf.float32, "Fare"),
            tf.TensorSpec([None], tf.float32, "a"),
        ]
    )
    def subtract(self, miles, fare, a):
        return {"z": miles - fare, "B": a, "fare": fare, "a b": miles}


class Gate(tf.Module):
    """A request that runs until it is let go.

    It writes to two FIFOs: who reads the first knows that it runs, who reads the second lets it go.
    """

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, "folder")])
    def wait(self, folder):
        started = tf.io.write_file(tf.strings.join([folder, "/started"]), "x")
        with tf.control_dependencies([started]):
            let_go = tf.io.write_file(tf.strings.join([folder, "/let_go"]), "x")
        with tf.control_dependencies([let_go]):
            return {"folder": tf.identity(folder)}


class Halves(tf.Module):
    """Signatures of 16-bit floats beside one that every client can read."""

    @tf.function(input_signature=[FLOATS])
    def double(self, x):
        return {"y": x * 2}

    @tf.function(input_signature=[FLOATS])
    def embed(self, x):
        return {"e": tf.cast(x, tf.bfloat16)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float16, "x")])
    def half(self, x):
        return {"h": x * 2}


def save_half_plus(folder: Path, version: int, addend: float | None = None) -> Path:
    """Saves a version of half plus its number."""
    model = HalfPlus(float(version) if addend is None else addend)
    signatures = {
        "serving_default": model.predict,
        "regress": model.regress,
        "classify": model.classify,
    }
    tf.saved_model.save(model, str(folder / str(version)), signatures=signatures)
    return folder / str(version)


def save_texts(folder: Path) -> None:
    model = Texts()
    signatures = {"serving_default": model.upper, "parsed": model.parsed}
    tf.saved_model.save(model, str(folder / "1"), signatures=signatures)


def save_mixed(folder: Path) -> None:
    model = Mixed()
    tf.saved_model.save(model, str(folder / "1"), signatures={"serving_default": model.subtract})


def save_halves(folder: Path) -> None:
    model = Halves()
    names = {"serving_default": model.double, "embed": model.embed, "half": model.half}
    tf.saved_model.save(model, str(folder / "1"), signatures=names)


def save_names(folder: Path) -> None:
    """Saves two models of TensorFlow 1 whose inputs have names that Python does not take."""
    for model, first, second in (("1", "image:0", "user/age"), ("2", "user/age", "user_age")):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            x = tf.compat.v1.placeholder(tf.float32, [None], "image")
            y = tf.compat.v1.placeholder(tf.float32, [None], "age")
            tf.compat.v1.saved_model.simple_save(
                session, str(folder / model), {first: x, second: y}, {"sum:0": x + 10 * y}
            )


def save_half_plus_two(folder: Path) -> None:
    """Saves TensorFlow Serving's example: its signature says [-1, 1], its graph does not."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, name="x")
        y = x * 0.5 + 2.0
        signature = tf.compat.v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        for info in (signature.inputs["x"], signature.outputs["y"]):
            info.tensor_shape.unknown_rank = False
            info.tensor_shape.dim.add(size=-1)
            info.tensor_shape.dim.add(size=1)
        builder = tf.compat.v1.saved_model.Builder(str(folder / "1"))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()


def save_gate(folder: Path) -> None:
    model = Gate()
    tf.saved_model.save(model, str(folder / "1"), signatures={"serving_default": model.wait})


def save_tf1(folder: Path) -> None:
    """Saves a model of TensorFlow 1, 3 x - y: once tagged "serve" and once "serve,gpu"."""
    builder = tf.compat.v1.saved_model.Builder(str(folder / "1"))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        y = tf.compat.v1.placeholder(tf.float32, [None], "first")
        x = tf.compat.v1.placeholder(tf.float32, [None], "second")
        factor = tf.compat.v1.get_variable("factor", initializer=3.0)
        tripled = tf.compat.v1.cond(tf.size(x) > 0, lambda: x * factor, lambda: x)
        signature = tf.compat.v1.saved_model.predict_signature_def(
            {"x": x, "y": y}, {"result": tripled - y, "again": x}
        )
        session.run(tf.compat.v1.global_variables_initializer())
        signatures = {"serving_default": signature}
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.add_meta_graph(["serve", "gpu"], signatures)
    builder.save()


def add_warmup(version: Path, values: Iterable[float]) -> None:
    """Gives a version a request that is replayed before it serves."""
    log = PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = "serving_default"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.array(list(values), np.float32)))
    (version / "assets.extra").mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(version / "assets.extra/tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())


def _x(serialized):
    return tf.io.parse_example(serialized, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
