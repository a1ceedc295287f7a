"""Rows are sampled from the whole window, and become requests, whatever their order."""

from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from evergreen.components.serving_validator.samples import as_request, sample, serving_features
from evergreen.serving.trial.exported import ExportedSignature, ExportedTensor
from evergreen.serving.trial.recorded import Request, record, write_requests
from tests.unit.components.rows import write_split
from tests.unit.serving.trial import models

from .node import SCHEMA, make_rows

EXPECTED = text_format.Parse(SCHEMA, schema_pb2.Schema())


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    parts = enumerate((range(20), range(20, 50)))
    return [write_split(tmp_path / str(i), "test", make_rows(numbers)) for i, numbers in parts]


def recorded(rows: list[bytes], folder: Path) -> bytes:
    """The warm-up file that requests to both signatures are written to."""
    features = serving_features(EXPECTED)
    examples = [as_request(row, features) for row in rows]
    signatures = {
        "serving_default": ExportedSignature({"examples": ExportedTensor(tf.string, (None,))}, {}),
        "raw": ExportedSignature(
            {name: ExportedTensor(s.dtype, (None,)) for name, s in models.RAW.items()}, {}
        ),
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
