"""Asks a model that was trained on few rows, and checks what it answers."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from evergreen.serving.trial.contract import (
    ANSWER,
    LABELS,
    ContractError,
    check_answers,
    check_labels,
    check_signatures,
)
from evergreen.settings import Settings
from evergreen.settings.task import Task
from evergreen.texts import many
from evergreen.tf_examples import read_records

ROWS = 64
WHO = "the model"


def check_model(settings: Settings, model: Path, folder: Path) -> str:
    """Checks signatures, answers and labels of a model, as Evaluator and ModelGate do.

    Args:
        settings: The settings of the use case, with the task and the classes.
        model: The SavedModel.
        folder: TFRecords of `tf.Example`s to ask it about.

    Returns:
        What it answered, in words.

    Raises:
        ContractError: If it breaks the contract.
    """
    declared = settings.model
    is_binary = declared.task is Task.BINARY
    if is_binary:
        check_signatures(model, declared.label, WHO)
    loaded = tf.saved_model.load(str(model))
    absent = [name for name in (ANSWER, LABELS) if name not in loaded.signatures]
    if absent:
        raise ContractError(
            f"{WHO} has no signature {' and no '.join(absent)}; it has: "
            f"{', '.join(loaded.signatures)}.",
            hint="docs/model.md tells what a model must offer.",
        )
    records = tf.constant(next(read_records([folder], ROWS)))
    labels = loaded.signatures[LABELS](records)[declared.label].numpy().ravel()
    [answer] = loaded.signatures[ANSWER](records).values()
    answers = answer.numpy()
    if is_binary:
        check_labels(labels)
        check_answers(answers, len(labels), 1, WHO)
    else:
        _check_shape(answers, len(labels), len(declared.classes))
        _check_range(labels, len(declared.classes))
    known = int((~np.isnan(labels)).sum())
    return f"{', '.join(sorted(loaded.signatures))} answer; {many(known, 'row')} with a label"


def _check_shape(answers: NDArray[np.floating], rows: int, classes: int) -> None:
    expected = (rows, classes) if classes else (rows,)
    shape = answers.shape if classes else answers.reshape(rows, -1)[:, 0].shape
    if shape != expected or not np.isfinite(answers).all():
        raise ContractError(
            f"{WHO}: {ANSWER} answers {answers.dtype}{list(answers.shape)} for {rows} rows; "
            f"expected are finite numbers of the shape {list(expected)}.",
            hint="docs/model.md tells what a model must answer, by its task.",
        )


def _check_range(labels: NDArray[np.floating], classes: int) -> None:
    known = labels[~np.isnan(labels)]
    wrong = known[~np.isin(known, np.arange(classes))] if classes else known[~np.isfinite(known)]
    if len(wrong):
        raise ContractError(
            f"labels must be {f'whole numbers from 0 to {classes - 1}' if classes else 'finite'}, "
            f"or NaN where they are not known; there is {wrong[0]:g}.",
            hint="Correct the label, or model.classes.",
        )
