"""Collects exported models' predictions on the test rows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from evergreen.errors import EvergreenError
from evergreen.evaluation.losses import Floats
from evergreen.evaluation.slices import Value
from evergreen.evaluation.verdicts import Predictions
from evergreen.serving.trial.contract import (
    check_answers,
    check_baseline,
    check_labels,
    check_signatures,
    known,
)
from evergreen.settings.task import Task
from evergreen.tf_examples import read_records

BATCH_ROWS = 4096


def predict(
    candidate: Path,
    baseline: Path | None,
    folders: Sequence[Path],
    label: str,
    features: Sequence[str],
    task: Task = Task.BINARY,
    classes: Sequence[str] = (),
) -> Predictions:
    """Returns the models' answers to the rows of folders, in order.

    Args:
        candidate: A SavedModel with the signatures `serving_default`, which answers as its task
            asks, and `transform_features`.
        baseline: The SavedModel to compare with, if any.
        folders: Folders of TFRecords of `tf.Example`s.
        label: The output of `transform_features` with the label; rows without one are left out.
        features: The raw features to keep.
        task: The models' task.
        classes: The names of their classes; without them, any number is taken.

    Raises:
        ContractError: If a model does not offer these, or a label does not fit the task; before
            rows are read if the model's declaration shows it.
        EvergreenError: If no row has a label.
    """
    count = len(classes)
    check_signatures(candidate, label, "the model", task, count)
    if baseline:
        check_signatures(baseline, None, "the baseline", task, count)
    models = [tf.saved_model.load(str(path)) for path in (candidate, baseline) if path]
    labels: list[Floats] = []
    answers: list[list[Floats]] = [[] for _ in models]
    columns: dict[str, list[Value]] = {name: [] for name in features}
    row, where = 1, f"{folders[0].name} of {len(folders)} spans" if folders else ""
    for records in read_records(folders, BATCH_ROWS):
        batch = tf.constant(records)
        labels.append(models[0].signatures["transform_features"](batch)[label].numpy())
        check_labels(labels[-1], row, where, task, count)
        for model, collected, who in zip(models, answers, ("the model", "the baseline")):  # noqa: B905 - there may be no baseline
            [answer] = model.signatures["serving_default"](batch).values()
            collected.append(answer.numpy())
            check_answers(collected[-1], len(records), row, who, task, count)
        _collect(records, columns)
        row += len(records)
    all_labels = _column(labels)
    kept = known(all_labels, task)
    if not kept.any():
        raise EvergreenError(
            f"{where or 'no folder'}: no row has a label, of {len(kept):,} rows.",
            hint="Take more spans into the window, or a larger share into this split.",
        )
    join = _table if task is Task.MULTICLASS else _column
    scores = [join(collected)[kept] for collected in answers]
    if baseline:
        check_baseline(scores[1])
    return Predictions(
        labels=all_labels[kept],
        candidate=scores[0],
        baseline=scores[1] if baseline else None,
        columns={
            name: [value for value, keep in zip(values, kept, strict=True) if keep]
            for name, values in columns.items()
        },
        unlabelled=int((~kept).sum()),
        task=task,
        classes=tuple(classes),
    )


def _column(batches: list[Floats]) -> Floats:
    return np.concatenate([np.zeros(0), *(batch.ravel() for batch in batches)])


def _table(batches: list[Floats]) -> Floats:
    return np.concatenate(batches).astype(np.float64)


def _collect(records: list[bytes], columns: dict[str, list[Value]]) -> None:
    """Appends the first value of each feature of each row, None where it is missing."""
    batch = ExamplesToRecordBatchDecoder().DecodeBatch(records)
    for name, collected in columns.items():
        index = batch.schema.get_field_index(name)
        rows = batch.column(index).to_pylist() if index >= 0 else [None] * len(records)
        collected.extend(_first(row) for row in rows)


def _first(row: list[bytes | float] | None) -> Value:
    if not row:
        return None
    return row[0].decode(errors="replace") if isinstance(row[0], bytes) else row[0]
