"""A model that the gates cannot judge is refused in the contract's words, before rows are read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from evergreen.components.evaluator import component as evaluator
from evergreen.components.predictions import predict
from evergreen.errors import EvergreenError
from evergreen.serving.trial.contract import ContractError, check_labels
from evergreen.settings.task import Task
from tests.unit.components.evaluator.test_component import artifact_of, evaluate, read
from tests.unit.components.rows import write_split

EXAMPLES = tf.TensorSpec([None], tf.string, name="examples")
UNREAD = [Path("/nowhere/Split-test")]
Tensors = dict[str, tf.Tensor]
Answer = Callable[[Tensors], Tensors]
SPEC = {
    "score": tf.io.FixedLenFeature([], tf.float32),
    "label": tf.io.FixedLenFeature([], tf.int64),
}


def score(row: Tensors) -> Tensors:
    return {"p": row["score"]}


def label(row: Tensors) -> Tensors:
    return {"big_tip": row["label"]}


def save(folder: Path, answer: Answer = score, labels: Answer | None = label) -> Path:
    def signature(computed: Answer) -> tf.types.experimental.GenericFunction:
        return tf.function(
            lambda examples: computed(tf.io.parse_example(examples, SPEC)),
            input_signature=[EXAMPLES],
        )

    signatures = {"serving_default": signature(answer)}
    if labels:
        signatures["transform_features"] = signature(labels)
    tf.saved_model.save(tf.Module(), str(folder), signatures)
    return folder


def twice(values: tf.Tensor) -> tf.Tensor:
    return tf.stack([values, values], axis=1)


DECLARED: dict[str, tuple[dict[str, Answer | None], str]] = {
    "two columns": (
        {"answer": lambda row: {"p": twice(row["score"])}},
        r"serving_default answers p float32\[\?,2\]; Evaluator and ModelGate need one output, a "
        r"probability a row: float32\[\?\] or float32\[\?,1\]",
    ),
    "two outputs": (
        {"answer": lambda row: {"p": row["score"], "logit": row["score"]}},
        r"serving_default answers logit float32\[\?\], p float32\[\?\]; Evaluator and",
    ),
    "classes": (
        {"answer": lambda row: {"class": row["label"]}},
        r"serving_default answers class int64\[\?\]; Evaluator",
    ),
    "one for all": (
        {"answer": lambda row: {"p": tf.reduce_mean(row["score"])}},
        r"serving_default answers p float32\[\]; Evaluator",
    ),
    "no label": (
        {"labels": lambda row: {"tip": row["label"]}},
        r"transform_features has no output big_tip, the label; it has tip int64\[\?\]",
    ),
    "label of two columns": (
        {"labels": lambda row: {"big_tip": twice(row["label"])}},
        r"transform_features answers big_tip int64\[\?,2\]; Evaluator and ModelGate need one num",
    ),
    "text as label": (
        {"labels": lambda row: {"big_tip": tf.as_string(row["label"])}},
        r"transform_features answers big_tip string\[\?\]; Evaluator",
    ),
    "no labels": (
        {"labels": None},
        r"has no signature transform_features; it has: serving_default\.",
    ),
}


@pytest.mark.parametrize(("model", "words"), DECLARED.values(), ids=DECLARED)
def test_what_a_model_declares_is_refused_before_rows_are_read(
    tmp_path: Path, model: dict[str, Answer | None], words: str
) -> None:
    folder = save(tmp_path / "model", **model)
    with pytest.raises(ContractError, match=words) as error:
        predict(folder, None, UNREAD, "big_tip", [])
    assert "docs/model.md" in error.value.hint


def test_a_model_that_takes_no_examples_is_refused(tmp_path: Path) -> None:
    module = tf.Module()
    numbers = tf.function(lambda x: {"p": x}, input_signature=[tf.TensorSpec([None], name="x")])
    tf.saved_model.save(module, str(tmp_path), {"serving_default": numbers})
    with pytest.raises(ContractError, match=r"takes x float32\[\?\]; .*: string\[\?\]"):
        predict(tmp_path, None, UNREAD, "big_tip", [])


def test_a_baseline_is_held_to_its_answer_only(tmp_path: Path) -> None:
    ours = save(tmp_path / "ours")
    theirs = save(tmp_path / "theirs", lambda row: {"p": twice(row["score"])}, None)
    with pytest.raises(ContractError, match=r"the baseline .*serving_default answers p float32"):
        predict(ours, theirs, UNREAD, "big_tip", [])


ROWS = [(0.2, 0), (0.4, 1), (0.5, -1), (0.9, 1), (0.1, 0)]


def split(folder: Path, rows: list[tuple[float, int]]) -> list[Path]:
    return [write_split(folder, "test", [{"score": [s], "label": [y]} for s, y in rows])]


ANSWERED: dict[str, tuple[dict[str, Answer], str]] = {
    "logits": (
        {"answer": lambda row: {"p": row["score"] * 10 - 3}},
        r"serving_default answered -1 in row 1 \(.* in 4 of 5 rows\); .* need probabilities",
    ),
    "undeclared columns": (
        {"answer": lambda row: {"p": tf.py_function(twice, [row["score"]], tf.float32)}},
        r"serving_default answered float32\[5,2\] for 5 rows; .* need one probability a row",
    ),
    "other labels": (
        {"labels": lambda row: {"big_tip": row["label"] + 1}},
        r"Split-test of 1 spans: labels must be 0 or 1, .*; row 2 has 2, row 4 has 2\.",
    ),
    "shares as labels": (
        {"labels": lambda row: {"big_tip": row["score"]}},
        r"row 1 has 0\.2, row 2 has 0\.4, row 3 has 0\.5, row 4 has 0\.9, row 5 has 0\.1\.",
    ),
}


@pytest.mark.parametrize(("model", "words"), ANSWERED.values(), ids=ANSWERED)
def test_what_a_model_answers_is_refused_with_row_and_value(
    tmp_path: Path, model: dict[str, Answer], words: str
) -> None:
    folder = save(tmp_path / "model", **model)
    with pytest.raises(ContractError, match=words):
        predict(folder, None, split(tmp_path, ROWS), "big_tip", [])


def test_an_undefined_baseline_is_named(tmp_path: Path) -> None:
    ours = save(tmp_path / "ours")
    theirs = save(tmp_path / "theirs", lambda row: {"p": row["score"] / tf.sign(row["score"])})
    rows = [*ROWS, (0.0, 1)]
    with pytest.raises(ContractError, match="baseline answers nan in 1 of 5 test rows, first in"):
        predict(ours, theirs, split(tmp_path, rows), "big_tip", [])


def test_a_split_without_labels_is_named(tmp_path: Path) -> None:
    folder = save(tmp_path / "model")
    with pytest.raises(EvergreenError, match="no row has a label, of 1 rows"):
        predict(folder, None, split(tmp_path, [(0.5, -1)]), "big_tip", [])
    with pytest.raises(EvergreenError, match="no row has a label, of 0 rows"):
        predict(folder, None, split(tmp_path / "empty", []), "big_tip", [])


def evaluated(folder: Path, rows: list[tuple[float, int]], model: Path) -> dict[str, object]:
    split(folder, rows)
    artifact = standard_artifacts.Model()
    artifact.uri = str(model)
    examples = artifact_of(folder)
    return read(evaluate(evaluator.Executor, examples, {"model": [artifact]}, folder / "ev"), None)


def test_the_evaluator_leaves_out_what_has_no_label_and_refuses_what_it_cannot_measure(
    tmp_path: Path,
) -> None:
    save(tmp_path / "model/Format-Serving")
    labelled = [row for row in ROWS if row[1] >= 0]
    found = evaluated(tmp_path / "all", ROWS, tmp_path / "model")
    assert found == evaluated(tmp_path / "labelled", labelled, tmp_path / "model")
    with pytest.raises(ContractError, match="row 1 has 7"):
        evaluated(tmp_path / "wrong", [(0.5, 7)], tmp_path / "model")


def three(score: tf.Tensor) -> tf.Tensor:
    """Probabilities of three classes."""
    return tf.stack([score / 2, score / 2, 1 - score], axis=1)


BY_TASK: dict[str, tuple[Task, dict[str, Answer], str]] = {
    "one column of three": (
        Task.MULTICLASS,
        {},
        r"serving_default answers p float32\[\?\]; Evaluator and ModelGate need one output, a "
        r"probability a row for each of the 3 classes: float32\[\?,3\]",
    ),
    "two columns of three": (
        Task.MULTICLASS,
        {"answer": lambda row: {"p": twice(row["score"])}},
        r"answers p float32\[\?,2\]; .* each of the 3 classes: float32\[\?,3\]",
    ),
    "logits of classes": (
        Task.MULTICLASS,
        {"answer": lambda row: {"p": three(row["score"]) * 0.5}},
        r"probabilities that add up to 0\.5 in row 1 \(and not to 1 in 5 of 5 rows\)",
    ),
    "an index too many": (
        Task.MULTICLASS,
        {
            "answer": lambda row: {"p": three(row["score"])},
            "labels": lambda row: {"big_tip": row["label"] + 2},
        },
        r"labels must be the index of a class, from 0 to 2, or below 0 .*; row 2 has 3, row 4",
    ),
    "a class that is no whole number": (
        Task.MULTICLASS,
        {
            "answer": lambda row: {"p": three(row["score"])},
            "labels": lambda row: {"big_tip": row["score"]},
        },
        r"from 0 to 2, .*; row 1 has 0\.2",
    ),
    "two numbers": (
        Task.REGRESSION,
        {"answer": lambda row: {"p": twice(row["score"])}},
        r"need one output, a number a row: float32\[\?\] or float32\[\?,1\]",
    ),
    "infinite labels": (
        Task.REGRESSION,
        {"labels": lambda row: {"big_tip": 1 / (row["score"] - row["score"])}},
        r"labels must be finite numbers, or NaN where they are unknown; row 1 has inf",
    ),
}


@pytest.mark.parametrize(("task", "model", "words"), BY_TASK.values(), ids=BY_TASK)
def test_what_does_not_fit_the_task_is_refused(
    tmp_path: Path, task: Task, model: dict[str, Answer], words: str
) -> None:
    folder = save(tmp_path / "model", **model)
    classes = ["a", "b", "c"] if task is Task.MULTICLASS else []
    with pytest.raises(ContractError, match=words):
        predict(folder, None, split(tmp_path, ROWS), "big_tip", [], task, classes)


def test_rows_without_a_label_are_left_out_of_each_task_and_counted(tmp_path: Path) -> None:
    folders = split(tmp_path, ROWS)
    classes = save(tmp_path / "classes", lambda row: {"p": three(row["score"])})
    found = predict(classes, None, folders, "big_tip", [], Task.MULTICLASS, "abc")
    assert (found.candidate.shape, found.unlabelled) == ((4, 3), 1)
    assert found.labels.tolist() == [0, 1, 1, 0]
    numbers = save(
        tmp_path / "numbers",
        lambda row: {"y": row["score"][:, tf.newaxis]},
        lambda row: {"big_tip": tf.where(row["label"] == 1, float("nan"), -row["score"])},
    )
    found = predict(numbers, None, folders, "big_tip", [], Task.REGRESSION)
    assert (found.candidate.shape, found.unlabelled) == ((3,), 2)
    assert found.labels == pytest.approx([-0.2, -0.5, -0.1])  # negative numbers are known


@pytest.mark.parametrize(
    "labels", [[0, 1, -1], [0.0, 1.0, -1.0, np.nan], [True, False], [[0], [1]], []]
)
def test_labels_that_are_known_or_unknown_pass(labels: list[object]) -> None:
    check_labels(np.asarray(labels))


def test_the_first_wrong_labels_are_named() -> None:
    with pytest.raises(ContractError, match=r"train\*: labels .*; row 2 has inf, row 3 has 2\."):
        check_labels(np.array([0, np.inf, 2.0]), where="train*")
    with pytest.raises(ContractError, match="row 5 has 3, and 4,995 more"):
        check_labels(np.full(5000, 3))
