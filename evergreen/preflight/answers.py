"""Asks a model that was trained on few rows, and checks what it answers."""

from pathlib import Path

import tensorflow as tf

from evergreen.serving.trial.contract import (
    ANSWER,
    LABELS,
    check_answers,
    check_labels,
    check_signatures,
    known,
)
from evergreen.settings import Settings
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
    declared, classes = settings.model, len(settings.model.classes)
    check_signatures(model, declared.label, WHO, declared.task, classes)
    signatures = tf.saved_model.load(str(model)).signatures
    records = tf.constant(next(read_records([folder], ROWS)))
    labels = signatures[LABELS](records)[declared.label].numpy().ravel()
    check_labels(labels, task=declared.task, classes=classes)
    [answer] = signatures[ANSWER](records).values()
    check_answers(answer.numpy(), len(labels), 1, WHO, declared.task, classes)
    rows = int(known(labels, declared.task).sum())
    return f"{', '.join(sorted(signatures))}; {many(rows, 'row')} of {len(labels)} with a label"
