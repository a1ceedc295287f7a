"""An evaluation by columns is the one that TFX's own node makes on Beam."""

import json
import math
import random
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import json_format, wrappers_pb2  # noqa: F401 - as in the component
from tensorflow_model_analysis.proto import config_pb2
from tfx.components.evaluator import executor as stock
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts

from evergreen.components.evaluator import component as ours
from evergreen.evaluation.config import eval_config
from evergreen.evaluation.request import Asked
from evergreen.evaluation.slices import MOST
from evergreen.settings.task import Task
from tests.unit.components.rows import Row, write_split

SLICES = ("payment_type", "trip_start_hour", "pickup_community_area")
OPTIONS = ["--runner=FnApiRunner"]
Metrics = dict[str, dict[str, float | str]]


class Scores(tf.Module):
    """Answers the feature `score`, to some power; the label is the feature `label`."""

    def __init__(self, power: float) -> None:
        self.power = tf.Variable(power)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def answer(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {"score": tf.io.FixedLenFeature([1], tf.float32)}
        return {"probabilities": tf.io.parse_example(examples, spec)["score"] ** self.power}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def transform(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {"label": tf.io.FixedLenFeature([1], tf.int64)}
        return {"big_tip": tf.io.parse_example(examples, spec)["label"][:, 0]}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[standard_artifacts.Model]]:
    found = {}
    for key, power in {"model": 1.0, "baseline_model": 2.0}.items():
        folder, module = tmp_path_factory.mktemp(key), Scores(power)
        signatures = {"serving_default": module.answer, "transform_features": module.transform}
        tf.saved_model.save(module, str(folder / "Format-Serving"), signatures)
        artifact = standard_artifacts.Model()
        artifact.uri = str(folder)
        found[key] = [artifact]
    return found


def rows(count: int) -> list[Row]:
    """Scores at the ends and in between; a slice of one class, and rows in no slice."""
    draw = random.Random(count)
    found: list[Row] = []
    for at in range(count):
        score = draw.choice([0.0, 1.0, draw.random(), draw.random() ** 4])
        payment = draw.choice([b"Cash", "Café".encode(), b"Rare"])
        label = 0 if payment == b"Rare" else int(draw.random() < 0.2 + 0.6 * score)
        row: Row = {"score": [score], "label": [label], "payment_type": [payment]}
        row["trip_start_hour"] = [draw.randrange(3)]
        if at % 5:
            row["pickup_community_area"] = [draw.randrange(2)]
        found.append(row)
    return found


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> standard_artifacts.Examples:
    folder = tmp_path_factory.mktemp("examples")
    write_split(folder, "test", rows(500))
    return artifact_of(folder)


def artifact_of(folder: Path) -> standard_artifacts.Examples:
    artifact = standard_artifacts.Examples()
    artifact.uri, artifact.split_names = str(folder), '["test"]'
    examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
    return artifact


def evaluate(
    executor: type[stock.Executor],
    examples: standard_artifacts.Examples,
    models: dict[str, list[standard_artifacts.Model]],
    folder: Path,
    task: Task = Task.BINARY,
) -> Path:
    evaluation = standard_artifacts.ModelEvaluation()
    evaluation.uri = str(folder)
    config = eval_config("big_tip", SLICES, "baseline_model" in models, task)
    asked = {
        "eval_config": json_format.MessageToJson(config, preserving_proto_field_name=True),
        "example_splits": json.dumps(["test"]),
        "fairness_indicator_thresholds": "null",
    }
    context = executor.Context(beam_pipeline_args=list(OPTIONS), tmp_dir=str(folder / "tmp"))
    executor(context).Do({"examples": [examples], **models}, {"evaluation": [evaluation]}, asked)
    return folder


def read(folder: Path, model: str | None) -> dict[tuple[object, ...], Metrics]:
    import tensorflow_model_analysis as tfma

    found = tfma.load_eval_result(str(folder), model_name=model)
    assert found.config.slicing_specs
    return {tuple(key): values[""][""] for key, values in found.slicing_metrics}


def test_it_is_that_of_beam(
    examples: standard_artifacts.Examples,
    models: dict[str, list[standard_artifacts.Model]],
    tmp_path: Path,
) -> None:
    on_beam = evaluate(stock.Executor, examples, models, tmp_path / "beam")
    by_columns = evaluate(ours.Executor, examples, models, tmp_path / "columns")
    assert not list(by_columns.glob("plots*"))  # so it was not Beam again
    for model in ("candidate", "baseline"):
        expected, found = read(on_beam, model), read(by_columns, model)
        assert found.keys() == expected.keys()
        assert len(found) == 1 + 3 + 3 + 2
        for key, metrics in expected.items():
            assert found[key].keys() == metrics.keys()
            for name, value in metrics.items():
                before, now = float(value["doubleValue"]), float(found[key][name]["doubleValue"])
                assert now == pytest.approx(before, rel=1e-6, abs=1e-6, nan_ok=True), (key, name)
    assert not math.isnan(float(found[()]["auc"]["doubleValue"]))
    alone = evaluate(ours.Executor, examples, {"model": models["model"]}, tmp_path / "alone")
    single, compared = read(alone, None), read(by_columns, "candidate")
    assert single.keys() == compared.keys()
    for key, metrics in single.items():
        beside = compared[key]
        assert beside.keys() == metrics.keys() | {f"{name}_diff" for name in metrics}
        assert str(metrics) == str({name: beside[name] for name in metrics})  # NaN is itself


class Answers(tf.Module):
    """Answers three classes or a number; every seventh row has no label."""

    def __init__(self, task: Task, power: float) -> None:
        self._several = task is Task.MULTICLASS
        self.power = tf.Variable(power)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def answer(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        score = tf.io.parse_example(examples, SPEC)["score"] ** self.power
        if not self._several:
            return {"number": 100.0 * score}
        return {"probabilities": tf.concat([0.7 * score, 0.3 * score, 1.0 - score], axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def transform(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        row = tf.io.parse_example(examples, SPEC)
        hour, score = row["trip_start_hour"][:, 0], row["score"][:, 0]
        label = tf.cast(hour, tf.float32) if self._several else 80.0 * score - 10.0
        return {"big_tip": tf.where(row["id"][:, 0] % 7 == 0, float("nan"), label)}


SPEC = {
    "score": tf.io.FixedLenFeature([1], tf.float32),
    "id": tf.io.FixedLenFeature([1], tf.int64),
    "trip_start_hour": tf.io.FixedLenFeature([1], tf.int64),
}
EXPECTED = {
    Task.MULTICLASS: {"example_count", "log_loss", "accuracy", "top_2_accuracy"},
    Task.REGRESSION: {"example_count", "mae", "rmse"},
}


def answering(task: Task, folder: Path) -> dict[str, list[standard_artifacts.Model]]:
    """Exports a candidate and a baseline."""
    models = {}
    for key, power in {"model": 1.0, "baseline_model": 2.0}.items():
        module, artifact = Answers(task, power), standard_artifacts.Model()
        signatures = {"serving_default": module.answer, "transform_features": module.transform}
        tf.saved_model.save(module, str(folder / key / "Format-Serving"), signatures)
        artifact.uri = str(folder / key)
        models[key] = [artifact]
    return models


@pytest.mark.parametrize("task", list(EXPECTED))
def test_it_is_that_of_beam_for_each_task_without_the_rows_that_have_no_label(
    task: Task, tmp_path: Path
) -> None:
    models = answering(task, tmp_path)
    split = [{**row, "id": [at]} for at, row in enumerate(rows(210))]
    write_split(tmp_path / "examples", "test", split)
    examples = artifact_of(tmp_path / "examples")
    on_beam = evaluate(OnBeam, examples, models, tmp_path / "beam", task)
    by_columns = evaluate(ours.Executor, examples, models, tmp_path / "columns", task)
    assert not list(by_columns.glob("plots*"))
    for model in ("candidate", "baseline"):
        expected, found = read(on_beam, model), read(by_columns, model)
        assert found.keys() == expected.keys()
        assert set(found[()]) >= EXPECTED[task]
        assert float(found[()]["example_count"]["doubleValue"]) == 180
        for key, metrics in expected.items():
            for name, value in metrics.items():
                before, now = float(value["doubleValue"]), float(found[key][name]["doubleValue"])
                assert now == pytest.approx(before, rel=1e-6, abs=1e-6), (key, name)


class OnBeam(ours.Executor):
    """Our node when TFMA has to work row by row."""

    def _config(self, *_: object) -> None:
        return None


def test_of_thousands_of_values_the_rarer_ones_are_one_slice(
    models: dict[str, list[standard_artifacts.Model]], tmp_path: Path
) -> None:
    many = rows(400)
    for at, row in enumerate(many):
        row["pickup_community_area"] = [at % 300]
        row["payment_type"] = [b"%d" % (at % 300)]
    write_split(tmp_path / "examples", "test", many)
    only = {"model": models["model"]}
    folder = evaluate(ours.Executor, artifact_of(tmp_path / "examples"), only, tmp_path / "columns")
    found = read(folder, None)
    rest = "(200 rarer values together)"
    assert len(found) == 1 + 3 + 2 * (MOST + 1)
    for feature in ("pickup_community_area", "payment_type"):
        assert float(found[(feature, rest),]["example_count"]["doubleValue"]) == 200


def asked(**changes: object) -> Asked | None:
    config = json_format.MessageToDict(
        eval_config("big_tip", SLICES, False), preserving_proto_field_name=True
    )
    config["metrics_specs"][0]["model_names"] = ["candidate"]
    config |= changes
    return Asked.of(json_format.ParseDict(config, config_pb2.EvalConfig()))


def test_what_is_asked_besides_goes_to_beam() -> None:
    plain = asked()
    assert plain
    assert plain.features == ("payment_type", "trip_start_hour", "pickup_community_area")
    assert plain.overall
    assert asked(slicing_specs=[{"feature_keys": ["payment_type", "trip_start_hour"]}]) is None
    assert asked(options={"min_slice_size": 10}) is None
    assert (
        asked(metrics_specs=[{"metrics": [{"class_name": "Recall"}], "model_names": ["candidate"]}])
        is None
    )
    threshold = {"value_threshold": {"lower_bound": 0.6}}
    metric = {"class_name": "AUC", "threshold": threshold}
    assert asked(metrics_specs=[{"metrics": [metric], "model_names": ["candidate"]}]) is None
    weighted = {"label_key": "big_tip", "signature_name": "serving_default"}
    assert asked(model_specs=[{**weighted, "example_weight_key": "weight"}]) is None
