"""What Evaluator and ModelGate take: an exported model's signatures, labels and answers.

docs/model.md tells it to people who write models.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evergreen.errors import EvergreenError
from evergreen.serving.trial.signatures import Signature, Spec, read_signatures

ANSWER, LABELS = "serving_default", "transform_features"
SHOWN = 5
"""Rows that an error names."""
HINT = "What a model must offer is told in docs/model.md; correct it, and run again."


class ContractError(EvergreenError):
    """A model, or its labels, are not what the gates can judge."""


def check_signatures(model: Path, label: str | None, who: str) -> None:
    """Checks a SavedModel by what it declares, before it is loaded and any row is read.

    Args:
        model: Its folder.
        label: The output of `transform_features` that holds the label; None if it is not asked.
        who: What to call the model.

    Raises:
        ContractError: If it cannot be asked for one probability a row, or for the label.
        UnservableError: If it is no SavedModel.
    """
    signatures = read_signatures(model)
    asked = (ANSWER,) if label is None else (ANSWER, LABELS)
    has = ", ".join(signatures) or "none"
    faults = [f"has no signature {one}; it has: {has}" for one in asked if one not in signatures]
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
        first_row: The number of the first row, for the error.
        where: The rows, for the error.

    Raises:
        ContractError: If one is something else; the first of them are named.
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
    """Checks that a model gave each row a probability, or NaN: that is for the gate to refuse.

    Args:
        answers: What `serving_default` gave for a batch.
        rows: The rows of the batch.
        first_row: The number of the first of them, for the error.
        who: What to call the model.

    Raises:
        ContractError: If there is not one a row, or one is not from 0 to 1.
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
    """Checks that the baseline answered numbers: nothing can be compared with one that does not.

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


def _answer_faults(signature: Signature) -> list[str]:
    faults = _input_faults(ANSWER, signature)
    one = list(signature.outputs.values())
    if len(one) != 1 or not (_is_column(one[0]) and one[0].dtype.is_floating):
        faults.append(
            f"{ANSWER} answers {_list(signature.outputs)}; Evaluator and ModelGate need one "
            "output, a probability a row: float32[?] or float32[?,1]"
        )
    return faults


def _label_faults(signature: Signature, label: str) -> list[str]:
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


def _input_faults(name: str, signature: Signature) -> list[str]:
    given = list(signature.inputs.values())
    if len(given) == 1 and given[0].dtype.name == "string" and given[0].shape in (None, (None,)):
        return []
    return [
        f"{name} takes {_list(signature.inputs)}; Evaluator and ModelGate give it one input, "
        "serialized tf.Examples: string[?]"
    ]


def _is_column(spec: Spec) -> bool:
    """Whether it may be a value a row; a size that is left open is seen when it answers."""
    return spec.shape is None or (
        len(spec.shape) in (1, 2)
        and spec.shape[0] is None
        and spec.shape[1:] in ((), (1,), (None,))
    )


def _list(specs: Mapping[str, Spec]) -> str:
    return ", ".join(f"{name} {spec}" for name, spec in sorted(specs.items())) or "nothing"
