"""Signatures are read as exported, and compared as clients rely on them."""

from pathlib import Path

import pytest
import tensorflow as tf

from evergreen.serving.trial.exported import (
    ExportedSignature,
    ExportedSignatures,
    ExportedTensor,
    UnservableError,
    breaking_changes,
    read_signatures,
)

from . import models

FLOAT = ExportedTensor(tf.float32, (None,))
SERVED = {"raw": ExportedSignature({"fare": FLOAT}, {"probabilities": FLOAT})}


def candidate(
    inputs: dict[str, ExportedTensor], outputs: dict[str, ExportedTensor]
) -> ExportedSignatures:
    return {"raw": ExportedSignature(inputs, outputs)}


@pytest.mark.parametrize(
    ("signatures", "changes"),
    [
        (SERVED, []),
        ({}, ["raw is gone"]),
        (SERVED | {"new": SERVED["raw"]}, []),
        (candidate({"fare": FLOAT}, {"probabilities": FLOAT, "logits": FLOAT}), []),
        (candidate({}, {"probabilities": FLOAT}), ["raw: input fare is gone"]),
        (
            candidate({"fare": FLOAT, "hour": FLOAT}, {"probabilities": FLOAT}),
            ["raw: input hour is new"],
        ),
        (
            candidate({"fare": ExportedTensor(tf.int64, (None,))}, {"scores": FLOAT}),
            [
                "raw: input fare was float32[?], is int64[?]",
                "raw: output probabilities is gone",
            ],
        ),
        (
            candidate({"fare": FLOAT}, {"probabilities": ExportedTensor(tf.float32, (None, 1))}),
            ["raw: output probabilities was float32[?], is float32[?,1]"],
        ),
    ],
)
def test_what_breaks_clients_is_told_from_what_does_not(
    signatures: ExportedSignatures, changes: list[str]
) -> None:
    assert breaking_changes(SERVED, signatures) == changes


def test_what_only_the_pipeline_asks_may_change() -> None:
    assert breaking_changes({"transform_features": SERVED["raw"]}, {}) == []


def test_signatures_are_read_as_they_were_exported(tmp_path: Path) -> None:
    signatures = read_signatures(models.export(tmp_path))
    assert set(signatures) == {"serving_default", "raw"}
    assert signatures["serving_default"] == ExportedSignature(
        {"examples": ExportedTensor(tf.string, (None,))}, {"probabilities": FLOAT}
    )
    with pytest.raises(UnservableError, match=r"saved_model\.pb"):
        read_signatures(tmp_path / "variables")
