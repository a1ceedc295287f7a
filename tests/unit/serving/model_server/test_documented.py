"""The table that holds the server beside TensorFlow Serving is whole, and each row has a test."""

import dataclasses
import re
from pathlib import Path

import pytest

from evergreen.serving.model_server import flags
from evergreen.serving.model_server.options import Options

ROOT = Path(__file__).parents[4]
TESTS = (Path(__file__).parent, ROOT / "tests/unit")
KINDS = ("same", "differs: ", "not offered")


def rows() -> list[list[str]]:
    """The rows of the tables: what, how it is here, its test."""
    text = (ROOT / "docs/serve.md").read_text().partition("## Beside TensorFlow Serving")[2]
    lines = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if row[-1] != "test"]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_each_row_says_how_it_is_and_is_held_by_a_test(row: list[str]) -> None:
    _, how, named = row
    assert how.startswith(KINDS)
    file, name = named.strip("`").split("::")
    found = next(folder / file for folder in TESTS if (folder / file).is_file())
    assert f"def {name}(" in found.read_text()


def test_all_flags_and_methods_are_in_it() -> None:
    what = " ".join(row[0] for row in rows())
    named = {*flags.IGNORED, *(field.name for field in dataclasses.fields(Options))}
    assert sorted(name for name in named if f"`--{name}`" not in what) == []
    for method in ("Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"):
        assert f"`PredictionService/{method}`" in what
