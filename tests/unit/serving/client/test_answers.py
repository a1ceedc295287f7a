"""Answers become columns that any format of files can hold."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from evergreen.serving.client import files
from evergreen.serving.client.answers import columns

CLASSES = ("Adelie", "Chinstrap", "Gentoo, big")
ANSWER = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [np.nan] * 3], np.float32)


def test_classes_are_named_with_the_probability_of_each() -> None:
    found = columns({"probabilities": ANSWER}, CLASSES)
    assert found.pop("class").tolist() == ["Adelie", "Gentoo, big", None]
    assert list(found) == [f"probabilities.{name}" for name in CLASSES]
    np.testing.assert_array_equal(np.stack(list(found.values()), axis=1), ANSWER)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_a_value_is_one_column(shape: tuple[int, ...]) -> None:
    values = np.array([1.5, -2.0, 1e9], np.float32)
    for classes in ((), CLASSES):
        found = columns({"minutes": values.reshape(shape)}, classes)
        np.testing.assert_array_equal(found.pop("minutes"), values)
        assert not found


def test_numbers_of_another_model_stay_together() -> None:
    found = columns({"embedding": ANSWER, "probabilities": ANSWER[:, :2]}, CLASSES[:2])
    assert list(found) == ["embedding", "class", "probabilities.Adelie", "probabilities.Chinstrap"]
    np.testing.assert_array_equal(found["embedding"], ANSWER)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_every_format_holds_them(tmp_path: Path, suffix: str) -> None:
    rows = pa.table({"class": ["economy", "first"]})
    written = files.with_outputs(rows, columns({"probabilities": ANSWER[:2]}, CLASSES))
    file = tmp_path / f"out.{suffix}"
    files.write(written, file)
    found = files.read(file)
    assert found["class"].to_pylist() == ["economy", "first"]
    assert found["predicted.class"].to_pylist() == ["Adelie", "Gentoo, big"]
    big = [float(value) for value in found["probabilities.Gentoo, big"].to_pylist()]
    np.testing.assert_allclose(big, [0.1, 0.7], rtol=1e-6)
