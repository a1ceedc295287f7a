"""The contract between an exported model and the gates: its signatures, labels and answers.

docs/model.md explains it to authors of models.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evergreen.errors import EvergreenError
from evergreen.serving.trial.exported import ExportedSignature, ExportedTensor, read_signatures
from evergreen.settings.task import Task

ANSWER, LABELS = "serving_default", "transform_features"
SHOWN = 5
"""The most rows that an error names."""
HINT = "What a model must offer is told in docs/model.md; correct it, and run again."
LOGITS = "A model that answers logits needs a {} before its answer: docs/model.md."
SUM = 1e-3
"""How far the probabilities of all classes may add up to something else than 1."""


class ContractError(EvergreenError):
    """Raised when a model, or its labels, cannot be judged by the gates."""


def check_signatures(
    model: Path, label: str | None, who: str, task: Task = Task.BINARY, classes: int = 0
) -> None:
    """Checks a SavedModel by its declaration, before it is loaded or any row is read.

    Args:
        model: Its folder.
        label: The output of `transform_features` with the label; None not to check it.
        who: The name of the model in errors.
        task: Its task.
        classes: The number of its classes; 0 if it is not known.

    Raises:
        ContractError: If it does not give the answer of its task, or the label.
        UnservableError: If it is not a SavedModel.
    """
    signatures = read_signatures(model)
    asked = (ANSWER,) if label is None else (ANSWER, LABELS)
    has = ", ".join(signatures) or "none"
    faults = [f"has no signature {name}; it has: {has}" for name in asked if name not in signatures]
    if ANSWER in signatures:
        faults += answer_faults(signatures[ANSWER], task, classes)
    if label is not None and LABELS in signatures:
        faults += _label_faults(signatures[LABELS], label)
    if faults:
        raise ContractError(f"{who} ({model}): {'; '.join(faults)}.", hint=HINT)


def known(labels: NDArray[np.generic], task: Task = Task.BINARY) -> NDArray[np.bool_]:
    """Returns which labels are known: not NaN, and not negative if they mean a class."""
    values = np.asarray(labels, np.float64)
    return ~np.isnan(values) if task is Task.REGRESSION else values >= 0


def check_labels(
    labels: NDArray[np.generic],
    first_row: int = 1,
    where: str = "",
    task: Task = Task.BINARY,
    classes: int = 0,
) -> None:
    """Checks that labels fit the task, or are unknown: not a number, or negative for a class.

    Args:
        labels: Shape [n] or [n, 1].
        first_row: The number of the first row, for errors.
        where: The origin of the rows, for errors.
        task: The model's task.
        classes: The number of its classes; 0 if it is not known.

    Raises:
        ContractError: If a label is something else; names the first ones.
    """
    flat = np.asarray(labels, np.float64).ravel()
    most, expected = _labels_of(task, classes)
    whole = task is Task.REGRESSION or flat == np.floor(flat)
    fits = np.isfinite(flat) & whole & (flat <= most)
    wrong = np.flatnonzero(known(flat, task) & ~fits)
    if len(wrong):
        rows = ", ".join(f"row {at + first_row} has {flat[at]:g}" for at in wrong[:SHOWN])
        more = f", and {len(wrong) - SHOWN:,} more" if len(wrong) > SHOWN else ""
        place = f"{where}: " if where else ""
        raise ContractError(
            f"{place}labels must be {expected}; {rows}{more}.",
            hint="Correct the label in preprocessing_fn: docs/model.md tells what it may be.",
        )


def check_answers(
    answers: NDArray[np.floating],
    rows: int,
    first_row: int,
    who: str,
    task: Task = Task.BINARY,
    classes: int = 0,
) -> None:
    """Checks that a model answered each row as its task asks, or NaN, which the gate refuses.

    Args:
        answers: The answers of `serving_default` to a batch.
        rows: The rows of the batch.
        first_row: The number of its first row, for errors.
        who: The name of the model in errors.
        task: The model's task.
        classes: The number of its classes; 0 if it is not known.

    Raises:
        ContractError: If there is not one answer per row, or one is no probability.
    """
    several = task is Task.MULTICLASS
    width = classes or (answers.shape or (0,))[-1] if several else 1
    if answers.size != rows * width or answers.shape[:1] != (rows,) or answers.ndim < 1 + several:
        shape = ",".join(map(str, answers.shape))
        raise ContractError(
            f"{who}: {ANSWER} answered {answers.dtype}[{shape}] for {rows} rows; Evaluator and "
            f"ModelGate need {_needed(task, classes).replace('a ', 'one ', 1)}.",
            hint=HINT,
        )
    if task is Task.REGRESSION:
        return
    by_row = answers.reshape(rows, -1)
    wrong = np.flatnonzero(((by_row < 0) | (by_row > 1)).any(axis=1))
    if len(wrong):
        row = by_row[wrong[0]]
        raise ContractError(
            f"{who}: {ANSWER} answered {row[(row < 0) | (row > 1)][0]:g} in row "
            f"{wrong[0] + first_row} (and what is not from 0 to 1 in {len(wrong):,} of {rows:,} "
            "rows); Evaluator and ModelGate need probabilities.",
            hint=LOGITS.format("softmax" if several else "sigmoid"),
        )
    if several:
        sums = by_row.sum(axis=1, dtype=np.float64)
        apart = np.flatnonzero(np.abs(sums - 1) > SUM)
        if len(apart):
            raise ContractError(
                f"{who}: {ANSWER} answered probabilities that add up to {sums[apart[0]]:g} in row "
                f"{apart[0] + first_row} (and not to 1 in {len(apart):,} of {rows:,} rows).",
                hint=LOGITS.format("softmax"),
            )


def check_baseline(answers: NDArray[np.floating]) -> None:
    """Checks that the baseline answered numbers, without which it is no reference.

    Raises:
        ContractError: If it did not.
    """
    wrong = np.flatnonzero(~np.isfinite(answers))
    if len(wrong):
        raise ContractError(
            f"the baseline answers {answers[wrong[0]]:g} in {len(wrong):,} of {len(answers):,} "
            f"test rows, first in row {wrong[0] + 1}: no candidate can be compared with it.",
            hint="Let another version serve (evergreen rollback), then run again.",
        )


def answer_faults(signature: ExportedSignature, task: Task, classes: int = 0) -> list[str]:
    """Returns what in the declaration of an answer is not as its task asks, in words."""
    faults = _input_faults(ANSWER, signature)
    several, outputs = task is Task.MULTICLASS, list(signature.outputs.values())
    shape = f"float32[?,{classes or 'classes'}]" if several else "float32[?] or float32[?,1]"
    fits = len(outputs) == 1 and outputs[0].dtype.is_floating
    if not fits or not (_is_table(outputs[0], classes) if several else _is_column(outputs[0])):
        faults.append(
            f"{ANSWER} answers {_list(signature.outputs)}; Evaluator and ModelGate need one "
            f"output, {_needed(task, classes)}: {shape}"
        )
    return faults


def _label_faults(signature: ExportedSignature, label: str) -> list[str]:
    faults = _input_faults(LABELS, signature)
    found = signature.outputs.get(label)
    if found is None:
        faults.append(
            f"{LABELS} has no output {label}, the label; it has {_list(signature.outputs)}"
        )
    elif not _is_column(found) or not (found.dtype.is_floating or found.dtype.is_integer):
        faults.append(
            f"{LABELS} answers {label} {found}; Evaluator and ModelGate need one number a row: "
            "int64[?] or float32[?]"
        )
    return faults


def _input_faults(name: str, signature: ExportedSignature) -> list[str]:
    given = list(signature.inputs.values())
    if len(given) == 1 and given[0].dtype.name == "string" and given[0].shape in (None, (None,)):
        return []
    return [
        f"{name} takes {_list(signature.inputs)}; Evaluator and ModelGate give it one input, "
        "serialized tf.Examples: string[?]"
    ]


def _is_column(spec: ExportedTensor) -> bool:
    """Returns whether it may have one value per row; variable sizes are checked in the answers."""
    return spec.shape is None or spec.shape == (None,) or _is_table(spec, 1)


def _is_table(spec: ExportedTensor, width: int) -> bool:
    """Returns whether it may have so many values per row; 0 for any number from 2 on."""
    if spec.shape is None or len(spec.shape) != 2 or spec.shape[0] is not None:  # noqa: PLR2004 - rows and columns
        return spec.shape is None
    return spec.shape[1] is None or (spec.shape[1] == width if width else spec.shape[1] > 1)


def _labels_of(task: Task, classes: int) -> tuple[float, str]:
    """Returns the largest label of a task, and its labels in words."""
    if task is Task.REGRESSION:
        return np.inf, "finite numbers, or NaN where they are unknown"
    most = 1 if task is Task.BINARY else classes - 1 if classes else np.inf
    words = "0 or 1" if task is Task.BINARY else "the index of a class, from 0"
    if task is Task.MULTICLASS and classes:
        words += f" to {most}"
    return most, f"{words}, or below 0 where they are unknown"


def _needed(task: Task, classes: int) -> str:
    """Returns the answer that a task needs, in words."""
    if task is Task.MULTICLASS:
        each = f"each of the {classes} classes" if classes else "each class"
        return f"a probability a row for {each}"
    return "a number a row" if task is Task.REGRESSION else "a probability a row"


def _list(specs: Mapping[str, ExportedTensor]) -> str:
    return ", ".join(f"{name} {spec}" for name, spec in sorted(specs.items())) or "nothing"
