"""Several classes, numbers and weights: from raw rows to the exported model's answers."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import apache_beam as beam
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_transform.tf_metadata import schema_utils
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx_bsl.public import tfxio

from evergreen.serving.client.inputs import build
from evergreen.serving.client.signatures import from_map
from evergreen.serving.protos import SignatureDefMap
from evergreen.serving.trial.contract import ContractError
from evergreen.tabular import (
    Category,
    Date,
    Hashed,
    Integer,
    Label,
    Moment,
    Number,
    Table,
    Task,
    Weight,
)
from evergreen.tabular.preprocessing import preprocess
from evergreen.tabular.training import train
from tests.unit.tabular.conftest import write_examples, write_raw_metadata

CLASSES = ("round", "square", "flat")
FEATURES = (
    Number("width"),
    Number("height"),  # whole numbers
    Integer("floor", -3, 9),
    Category("colour", 3),
    Category("code", 3),  # of whole numbers
    Hashed("street", 200),  # more than get a column each
    Moment("built_at", zone="America/New_York"),
    Date("day"),
)
SHAPES = Table("shapes", FEATURES, Label("shape", ("form",), task=Task.MULTICLASS, classes=CLASSES))
PRICES = Table(
    "prices",
    FEATURES,
    Label("worth", ("price",), task=Task.REGRESSION),
    weight=Weight("importance", ("copies",)),
)
SPEC = {
    "width": tf.float32,
    "price": tf.float32,
    "colour": tf.string,
    "street": tf.string,
    "form": tf.string,
} | dict.fromkeys(("height", "floor", "code", "built_at", "day", "copies"), tf.int64)
SCHEMA = schema_utils.schema_from_feature_spec(
    {name: tf.io.VarLenFeature(dtype) for name, dtype in SPEC.items()}
)


def make_rows(count: int) -> pd.DataFrame:
    """Rows whose form follows from width and colour, and their price from width and height."""
    draw = np.random.default_rng(0)
    width, height = draw.uniform(0, 10, count), draw.integers(-50, 50, count)
    colour = draw.choice(["red", "green", "blue"], count)
    form = np.where(width > 6, "flat", np.where(colour == "red", "round", "square"))
    frame = pd.DataFrame(
        {
            "width": width,
            "height": height,
            "floor": draw.integers(-3, 10, count),
            "colour": colour,
            "code": draw.integers(100, 103, count),
            "street": draw.choice([f"street {k}" for k in range(50)], count),
            "built_at": draw.integers(0, 2**31, count),
            "day": draw.integers(0, 20_000, count) * 86_400,
            "form": form,
            "price": -1000 + 40 * width + 2 * height,
            "copies": draw.integers(1, 3, count),
        }
    ).astype(object)
    frame.loc[::20, "form"] = None
    frame.loc[1::50, "price"] = None
    frame.loc[2::50, "price"] = float("nan")
    frame.loc[3::50, "copies"] = None
    return frame


def serialize(row: dict[str, object]) -> bytes:
    """Makes the tf.Example of a row; None is a missing value."""
    kinds = {tf.float32: "float_list", tf.int64: "int64_list", tf.string: "bytes_list"}
    features = {}
    for name, value in row.items():
        if value is not None:
            cell = value.encode() if isinstance(value, str) else value
            features[name] = tf.train.Feature(**{kinds[SPEC[name]]: {"value": [cell]}})
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


@dataclass(frozen=True)
class Data:
    """Examples of train and eval, and the transform graph with the labels of both tables."""

    folder: Path
    rows: pd.DataFrame

    def train(self, table: Table, folder: Path, **files: str) -> FnArgs:
        arguments = FnArgs(
            train_files=[files.get("train", f"{self.folder}/train")],
            eval_files=[f"{self.folder}/eval"],
            transform_graph_path=str(self.folder / "graph"),
            serving_model_dir=str(folder / "model"),
            model_run_dir=str(folder / "run"),
            custom_config={"max_epochs": 40, "learning_rate": 0.01, "dropout": 0.0},
        )
        train(table, arguments)
        return arguments


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder, rows = tmp_path_factory.mktemp("tasks"), make_rows(600)
    examples = [serialize(row) for row in rows.to_dict("records")]
    write_examples(examples[:400], folder / "train")
    write_examples(examples[400:], folder / "eval")
    source = tfxio.TFExampleBeamRecord(physical_format="inmem", schema=SCHEMA)
    options = PipelineOptions(["--runner=FnApiRunner", "--beam_plugin=tfx"])
    with beam.Pipeline(options=options) as pipeline, tft_beam.Context(str(folder / "tmp")):
        raw = pipeline | beam.Create(examples[:400]) | source.BeamSource()
        graph = (raw, source.TensorAdapterConfig()) | tft_beam.AnalyzeDataset(
            lambda inputs: preprocess(SHAPES, inputs) | preprocess(PRICES, inputs)
        )
        _ = graph | tft_beam.WriteTransformFn(str(folder / "graph"))
    write_raw_metadata(SCHEMA, folder / "graph")
    return Data(folder, rows)


@pytest.fixture(scope="module")
def shapes(data: Data, tmp_path_factory: pytest.TempPathFactory) -> FnArgs:
    return data.train(SHAPES, tmp_path_factory.mktemp("shapes"))


@pytest.fixture(scope="module")
def prices(data: Data, tmp_path_factory: pytest.TempPathFactory) -> FnArgs:
    return data.train(PRICES, tmp_path_factory.mktemp("prices"))


def metrics(arguments: FnArgs) -> dict[str, dict[str, float]]:
    return json.loads(Path(arguments.model_run_dir, "metrics.json").read_text())


def answers(arguments: FnArgs, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    signature = tf.saved_model.load(arguments.serving_model_dir).signatures["serving_default"]
    examples = tf.constant([serialize(row) for row in rows.to_dict("records")])
    return {name: values.numpy() for name, values in signature(examples=examples).items()}


def test_classes_are_learned_and_rows_without_a_label_counted(shapes):
    of_train, of_eval = metrics(shapes)["train"], metrics(shapes)["eval"]
    assert (of_train["example_count"], of_train["left_out"]) == (380, 20)
    assert (of_eval["example_count"], of_eval["left_out"]) == (190, 10)
    assert of_eval["accuracy"] > 0.9
    assert of_eval["log_loss"] < 0.35


def test_the_answer_is_a_probability_for_each_class_in_their_order(shapes, data):
    found = answers(shapes, data.rows)
    assert list(found) == ["probabilities"]
    assert (found["probabilities"].shape, found["probabilities"].dtype) == ((600, 3), np.float32)
    np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1.0, atol=1e-5)
    known = data.rows.form.notna().to_numpy()
    named = np.array(CLASSES)[found["probabilities"].argmax(axis=1)]
    assert np.mean(named[known] == data.rows.form[known]) > 0.9


def test_numbers_are_learned_in_their_own_unit(prices):
    of_train, of_eval = metrics(prices)["train"], metrics(prices)["eval"]
    assert (of_train["example_count"], of_train["left_out"]) == (400 - 3 * 8, 3 * 8)
    assert (of_eval["example_count"], of_eval["left_out"]) == (200 - 3 * 4, 3 * 4)
    assert of_eval["rmse"] < 26  # a fifth of their standard deviation, 130
    assert of_eval["mae"] <= of_eval["rmse"]


def test_the_answer_is_a_number_for_each_row(prices, data):
    found = answers(prices, data.rows)
    assert list(found) == ["predictions"]
    assert (found["predictions"].shape, found["predictions"].dtype) == ((600,), np.float32)
    assert abs(found["predictions"].mean() + 800) < 20


def test_labels_and_weights_are_unknown_where_a_column_is_missing(shapes, data):
    model = tf.saved_model.load(shapes.serving_model_dir)
    rows = [{"form": "flat", "price": 2.5, "copies": 7}, {"form": ""}, {"price": float("nan")}]
    found = model.signatures["transform_features"](tf.constant([serialize(row) for row in rows]))
    for name, expected in {"shape": 2, "worth": 2.5, "importance": 7}.items():
        np.testing.assert_array_equal(found[name], np.float32([expected, np.nan, np.nan]))


def test_one_tensor_a_feature_gives_the_same_answers(prices, data):
    floors = pd.Series([-3, -1, 0, 9, None], dtype=object)
    few = data.rows.head(5).assign(floor=floors)
    signature = tf.saved_model.load(prices.serving_model_dir).signatures["raw"]
    given = signature.structured_input_signature[1]
    assert given["floor"].dtype == tf.float64  # since -1 is a floor, and no missing value
    assert given["code"].dtype == tf.int64
    gap = {tf.float32: np.nan, tf.float64: np.nan, tf.int64: -1, tf.string: ""}
    columns = {
        name: tf.constant([gap[spec.dtype] if v is None else v for v in few[name]], spec.dtype)
        for name, spec in given.items()
    }
    expected = answers(prices, few)["predictions"]
    np.testing.assert_allclose(signature(**columns)["predictions"], expected, rtol=1e-5)


def test_the_client_writes_whole_numbers_as_the_model_reads_them(prices, data):
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString(Path(prices.serving_model_dir, "saved_model.pb").read_bytes())
    definitions = SignatureDefMap()
    for name, definition in saved.meta_graphs[0].signature_def.items():
        definitions.signature_def[name].ParseFromString(definition.SerializeToString())
    served, model = from_map(definitions), tf.saved_model.load(prices.serving_model_dir)
    few = data.rows.head(5).assign(height=pd.Series([1, -1, "30", 2.0, None], dtype=object))
    asked = few.drop(columns=["form", "price"]).to_dict("records")
    expected = model.signatures["raw"](**tensors(served, "raw", asked))["predictions"]
    found = model.signatures["serving_default"](**tensors(served, "serving_default", asked))
    np.testing.assert_allclose(found["predictions"], expected, rtol=1e-5)


def tensors(served, signature, rows):
    return {name: tf.constant(array) for name, array in build(served, signature, rows).items()}


@pytest.mark.parametrize(
    ("table", "row", "message"),
    [
        (SHAPES, {"form": "oval"}, "the index of a class, from 0 to 2.* row 2 has 3"),
        (PRICES, {"price": float("inf"), "copies": 1}, "finite numbers, .* row 2 has inf"),
        (PRICES, {"price": 1.0, "copies": -1}, "weights must be .* row 2 has -1"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(data, tmp_path, table, row, message):
    write_examples([serialize({}), serialize(row)], tmp_path / "rows")
    with pytest.raises(ContractError, match=f"rows: .*{message}"):
        data.train(table, tmp_path, train=str(tmp_path / "rows"))
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("task", "classes", "message"),
    [
        (Task.MULTICLASS, ("a",), "two classes or more"),
        (Task.MULTICLASS, ("a", "b", "a"), "named twice"),
        (Task.BINARY, ("a", "b"), "a binary task has no classes"),
    ],
)
def test_a_label_without_fitting_classes_is_refused_where_it_is_declared(task, classes, message):
    with pytest.raises(ValueError, match=message):
        Label("shape", ("form",), task=task, classes=classes)


def test_text_is_no_label_of_a_binary_task():
    table = replace(SHAPES, label=Label("shape", ("form",)))
    inputs = {name: tf.constant([], dtype) for name, dtype in SPEC.items()}
    with pytest.raises(ValueError, match="'shape': its function returns text"):
        preprocess(replace(table, features=()), inputs)
