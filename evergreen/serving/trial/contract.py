"""The contract between an exported model and the gates: its signatures, labels and answers.

docs/model.md explains it to authors of models.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evergreen.errors import EvergreenError
from evergreen.serving.trial.exported import ExportedSignature, ExportedTensor, read_signatures

ANSWER, LABELS = "serving_default", "transform_features"
SHOWN = 5
"""The most rows that an error names."""
HINT = "What a model must offer is told in docs/model.md; correct it, and run again."


class ContractError(EvergreenError):
    """Raised when a model, or its labels, cannot be judged by the gates."""


def check_signatures(model: Path, label: str | None, who: str) -> None:
    """Checks a SavedModel by its declaration, before it is loaded or any row is read.

    Args:
        model: Its folder.
        label: The output of `transform_features` with the label; None not to check it.
        who: The name of the model in errors.

    Raises:
        ContractError: If it does not give one probability per row, or the label.
        UnservableError: If it is not a SavedModel.
    """
    signatures = read_signatures(model)
    asked = (ANSWER,) if label is None else (ANSWER, LABELS)
    has = ", ".join(signatures) or "none"
    faults = [f"has no signature {name}; it has: {has}" for name in asked if name not in signatures]
    if ANSWER in signatures:
        faults += _answer_faults(signatures[ANSWER])
    if label is not None and LABELS in signatures:
        faults += _label_faults(signatures[LABELS], label)
    if faults:
        raise ContractError(f"{who} ({model}): {'; '.join(faults)}.", hint=HINT)


def check_labels(labels: NDArray[np.generic], first_row: int = 1, where: str = "") -> None:
    """Checks that labels are 0 or 1, or unknown: below 0, or not a number.

    Args:
        labels: Shape [n] or [n, 1].
        first_row: The number of the first row, for errors.
        where: The origin of the rows, for errors.

    Raises:
        ContractError: If a label is something else; names the first ones.
    """
    flat = np.asarray(labels).ravel()
    unknown = (flat < 0) | (flat != flat)  # noqa: PLR0124 - NaN
    wrong = np.flatnonzero(~unknown & (flat != 0) & (flat != 1))
    if len(wrong):
        rows = ", ".join(f"row {at + first_row} has {flat[at]:g}" for at in wrong[:SHOWN])
        more = f", and {len(wrong) - SHOWN:,} more" if len(wrong) > SHOWN else ""
        place = f"{where}: " if where else ""
        raise ContractError(
            f"{place}labels must be 0 or 1, or below 0 where they are unknown; {rows}{more}.",
            hint="Correct the label in preprocessing_fn: docs/model.md tells what it may be.",
        )


def check_answers(answers: NDArray[np.floating], rows: int, first_row: int, who: str) -> None:
    """Checks that a model answered each row with a probability, or NaN, which the gate refuses.

    Args:
        answers: The answers of `serving_default` to a batch.
        rows: The rows of the batch.
        first_row: The number of its first row, for errors.
        who: The name of the model in errors.

    Raises:
        ContractError: If there is not one answer per row, or one is not from 0 to 1.
    """
    if answers.size != rows or answers.shape[:1] != (rows,):
        shape = ",".join(map(str, answers.shape))
        raise ContractError(
            f"{who}: {ANSWER} answered {answers.dtype}[{shape}] for {rows} rows; Evaluator and "
            "ModelGate need one probability a row.",
            hint=HINT,
        )
    flat = answers.ravel()
    wrong = np.flatnonzero((flat < 0) | (flat > 1))
    if len(wrong):
        at = wrong[0]
        raise ContractError(
            f"{who}: {ANSWER} answered {flat[at]:g} in row {at + first_row} (and what is not from "
            f"0 to 1 in {len(wrong):,} of {rows:,} rows); Evaluator and ModelGate need "
            "probabilities.",
            hint="A model that answers logits needs a sigmoid before its answer: docs/model.md.",
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


def _answer_faults(signature: ExportedSignature) -> list[str]:
    faults = _input_faults(ANSWER, signature)
    outputs = list(signature.outputs.values())
    if len(outputs) != 1 or not (_is_column(outputs[0]) and outputs[0].dtype.is_floating):
        faults.append(
            f"{ANSWER} answers {_list(signature.outputs)}; Evaluator and ModelGate need one "
            "output, a probability a row: float32[?] or float32[?,1]"
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
    return spec.shape is None or (
        len(spec.shape) in (1, 2)
        and spec.shape[0] is None
        and spec.shape[1:] in ((), (1,), (None,))
    )


def _list(specs: Mapping[str, ExportedTensor]) -> str:
    return ", ".join(f"{name} {spec}" for name, spec in sorted(specs.items())) or "nothing"
