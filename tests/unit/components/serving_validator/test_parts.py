"""Signatures are compared, rows sampled and criteria read as clients rely on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from pydantic import ValidationError
from tensorflow_metadata.proto.v0 import schema_pb2

from evergreen.components.serving_validator.samples import as_request, sample, serving_features
from evergreen.serving.trial.checks import compatible, distance
from evergreen.serving.trial.exported import (
    Signature,
    Signatures,
    Spec,
    UnservableError,
    breaking_changes,
    read_signatures,
)
from evergreen.serving.trial.recorded import Request, record, write_requests
from evergreen.settings.gates import ServingCriteria
from tests.unit.components.rows import write_split

from . import small
from .node import SCHEMA, make_rows

FLOAT = Spec(tf.float32, (None,))
SERVED = {"raw": Signature({"fare": FLOAT}, {"probabilities": FLOAT})}
EXPECTED = text_format.Parse(SCHEMA, schema_pb2.Schema())


def candidate(inputs: dict[str, Spec], outputs: dict[str, Spec]) -> Signatures:
    return {"raw": Signature(inputs, outputs)}


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
            candidate({"fare": Spec(tf.int64, (None,))}, {"scores": FLOAT}),
            [
                "raw: input fare was float32[?], is int64[?]",
                "raw: output probabilities is gone",
            ],
        ),
        (
            candidate({"fare": FLOAT}, {"probabilities": Spec(tf.float32, (None, 1))}),
            ["raw: output probabilities was float32[?], is float32[?,1]"],
        ),
    ],
)
def test_what_breaks_clients_is_told_from_what_does_not(
    signatures: Signatures, changes: list[str]
) -> None:
    assert breaking_changes(SERVED, signatures) == changes


def test_what_only_the_pipeline_asks_may_change() -> None:
    assert breaking_changes({"transform_features": SERVED["raw"]}, {}) == []


def test_a_break_is_declared_for_one_version_and_lapses_with_the_next() -> None:
    changes = ["raw is gone"]
    assert compatible(changes, version=3, may_break=3).passed
    for declared in (None, 2, 4):
        check = compatible(changes, version=3, may_break=declared)
        assert not check.passed
        assert check.detail.startswith("raw is gone. ")
        assert "may_break=3" in check.detail


def test_signatures_are_read_as_they_were_exported(tmp_path: Path) -> None:
    signatures = read_signatures(small.export(tmp_path))
    assert set(signatures) == {"serving_default", "raw"}
    assert signatures["serving_default"] == Signature(
        {"examples": Spec(tf.string, (None,))}, {"probabilities": FLOAT}
    )
    with pytest.raises(UnservableError, match=r"saved_model\.pb"):
        read_signatures(tmp_path / "variables")


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    parts = enumerate((range(20), range(20, 50)))
    return [write_split(tmp_path / str(i), "test", make_rows(numbers)) for i, numbers in parts]


def recorded(rows: list[bytes], folder: Path) -> bytes:
    """The warm-up file that requests to both signatures are written to."""
    features = serving_features(EXPECTED)
    examples = [as_request(row, features) for row in rows]
    signatures = {
        "serving_default": Signature({"examples": Spec(tf.string, (None,))}, {}),
        "raw": Signature({name: Spec(s.dtype, (None,)) for name, s in small.RAW.items()}, {}),
    }
    requests: list[Request] = []
    for name, signature in signatures.items():
        requests += record(examples, name, signature, features, (1, 4))
    write_requests(folder, requests, "taxi")
    return (folder / "assets.extra" / "tf_serving_warmup_requests").read_bytes()


def test_requests_are_the_same_bytes_whatever_the_order_of_rows(
    folders: list[Path], tmp_path: Path
) -> None:
    rows = sample(folders, EXPECTED, "id", 10)
    again = sample(folders[::-1], EXPECTED, "id", 10)
    assert recorded(rows, tmp_path / "a") == recorded(again, tmp_path / "b")
    assert len(set(rows)) == 10
    assert sample(folders, EXPECTED, "id", 4) == rows[:4]
    assert len(sample(folders, EXPECTED, "id", 1000)) == 50


def test_a_sample_is_of_the_whole_window(folders: list[Path]) -> None:
    rows = sample(folders, EXPECTED, "id", 20)
    numbers = [tf.train.Example.FromString(row).features.feature["tips"] for row in rows]
    values = [feature.float_list.value[0] for feature in numbers]
    assert min(values) < 20 <= max(values)


@pytest.mark.parametrize(
    ("text", "features"),
    [
        (SCHEMA, {"fare", "hour", "payment"}),
        ('feature { name: "a" }', {"a"}),
        (
            'default_environment: "TRAINING" feature { name: "a" } '
            'feature { name: "b" in_environment: "SERVING" }',
            {"b"},
        ),
    ],
)
def test_a_request_has_the_features_of_the_serving_environment(
    text: str, features: set[str]
) -> None:
    assert serving_features(text_format.Parse(text, schema_pb2.Schema())) == features


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"tips": FLOAT}, "inputs tips are no features of a request"),
        ({"fare": FLOAT, "payment": FLOAT}, r"input payment is float32\[\?\], and its values"),
        ({"fare": Spec(tf.bool, (None,))}, r"input fare is bool\[\?\]"),
    ],
)
def test_a_signature_that_asks_for_what_clients_do_not_have_is_refused(
    folders: list[Path], spec: dict[str, Spec], words: str
) -> None:
    features = serving_features(EXPECTED)
    rows = [as_request(row, features) for row in sample(folders, EXPECTED, "id", 5)]
    with pytest.raises(UnservableError, match=words):
        record(rows, "raw", Signature(spec, {}), features, (1,))


@pytest.mark.parametrize(
    ("answer", "other", "expected"),
    [
        ([1.0, np.nan, np.inf], [1.0, np.nan, np.inf], 0.0),
        ([0.5], [0.25], 0.25),
        ([110.0], [100.0], 0.1),
        ([np.nan], [1.0], np.inf),
        ([1.0, 2.0], [1.0], np.inf),
        ([b"a"], [b"a"], 0.0),
        ([b"a"], [b"b"], np.inf),
        ([1], [1.0], np.inf),
    ],
)
def test_answers_are_apart_by_their_most_different_numbers(
    answer: list[object], other: list[object], expected: float
) -> None:
    apart = distance({"x": np.array(answer)}, {"x": np.array(other)})
    assert apart == pytest.approx(expected)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ServingCriteria(rows=1000), "more than the 1000"),
        (lambda: ServingCriteria(batch_sizes=(8,)), "begins with 1"),
        (lambda: ServingCriteria(signatures=()), "at least 1"),
        (lambda: ServingCriteria(p95_ms=0), "greater than 0"),
    ],
)
def test_criteria_that_cannot_be_kept_are_refused(
    make: Callable[[], ServingCriteria], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        make()
