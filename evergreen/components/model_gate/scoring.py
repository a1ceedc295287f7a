"""Asks exported models what they say of the test rows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from evergreen.components.model_gate.bootstrap import Floats
from evergreen.components.model_gate.judging import Predictions
from evergreen.components.model_gate.slicing import Value
from evergreen.components.records import read_records

BATCH_ROWS = 4096


def predict(
    candidate: Path,
    baseline: Path | None,
    folders: Sequence[Path],
    label: str,
    features: Sequence[str],
) -> Predictions:
    """Returns the models' probabilities on the rows of some folders, in their order.

    Args:
        candidate: A SavedModel with the signatures `serving_default`, which answers one
            probability a row, and `transform_features`.
        baseline: The SavedModel to compare with, if any.
        folders: Folders of TFRecords of `tf.Example`s.
        label: The output of `transform_features` that holds the label; rows below 0 are left out.
        features: The raw features to keep.
    """
    models = [tf.saved_model.load(str(path)) for path in (candidate, baseline) if path]
    labels: list[Floats] = []
    answers: list[list[Floats]] = [[] for _ in models]
    columns: dict[str, list[Value]] = {name: [] for name in features}
    for records in read_records(folders, BATCH_ROWS):
        batch = tf.constant(records)
        labels.append(models[0].signatures["transform_features"](batch)[label].numpy())
        for model, collected in zip(models, answers, strict=True):
            [answer] = model.signatures["serving_default"](batch).values()
            collected.append(answer.numpy())
        _collect(records, columns)
    known = np.concatenate(labels).ravel() >= 0
    scores = [_column(collected)[known] for collected in answers]
    return Predictions(
        labels=_column(labels)[known],
        candidate=scores[0],
        baseline=scores[1] if baseline else None,
        columns={
            name: [value for value, keep in zip(values, known, strict=True) if keep]
            for name, values in columns.items()
        },
        unlabelled=int((~known).sum()),
    )


def _column(batches: list[Floats]) -> Floats:
    return np.concatenate(batches).ravel().astype(np.float64)


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
