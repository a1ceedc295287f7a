"""What is written is formatted, typed by name, and the same for any text in the table."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from evergreen.quality.schema import load_curated
from evergreen.scaffold.design import Design, Request, design_table
from evergreen.scaffold.files import files
from tests.project import ROOT
from tests.unit.scaffold.tables import hostile, orders

SCRATCH_PATHS = "S108"  # the test's table is in a temporary folder


def designed(table: pa.Table, name: str, folder: Path, **request: object) -> Design:
    return design_table(Request(name=name, source=folder / "rows.parquet", **request), table)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a use case of each task, and one with hostile texts."""
    folder = tmp_path_factory.mktemp("project")
    time = {"time": "ordered at"}
    designs = (
        designed(orders(), "late", folder, label="delay > 15", **time),
        designed(orders(), "state", folder, label="state", not_before=("delay",), **time),
        designed(orders(), "price", folder, label="price"),
        designed(hostile(), "hostile", folder, label="label"),
    )
    for design in designs:
        for path, text in files(design, folder).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    return folder


def test_the_code_passes_the_projects_linter_and_formatter(written: Path) -> None:
    settings = ["--config", str(ROOT / "pyproject.toml")]
    first_party = 'lint.isort.known-first-party=["evergreen", "models", "data"]'
    for command in (
        ["check", "--ignore", SCRATCH_PATHS, "--config", first_party],
        ["format", "--check", "--diff"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings, "--no-cache", "."],
            check=False,
            cwd=written,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_settings_and_schema_can_be_read(written: Path) -> None:
    for name in ("late", "state", "price", "hostile"):
        settings = yaml.safe_load((written / f"configs/{name}.yaml").read_text())
        assert settings["model"]["label"].isidentifier()
        assert settings["gates"]["model"]["bounds"]
        load_curated(written / f"data/{name}/schema.pbtxt")
    assert settings["model"]["classes"] == ["b\n", 'g"', "né"]


def test_columns_get_plain_names(written: Path) -> None:
    tree = ast.parse((written / "models/hostile/features.py").read_text())
    [table] = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    [features] = [word.value for word in table.keywords if word.arg == "features"]
    names = [ast.literal_eval(feature.args[0]) for feature in features.elts]
    old = [name for name in hostile().column_names if name != "label"]
    assert len(set(names)) == len(old)
    assert names[:6] == ["a_b", "q_uote", "it_s", "back_slash", "column", "class_"]
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) for name in names)
    spans = ast.parse((written / "data/hostile/spans.py").read_text())
    [given] = [
        ast.literal_eval(node.value)
        for node in spans.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "NAMES"
    ]
    assert [given.get(name, name) for name in old] == names


def test_the_label_and_the_spans_read_as_written_by_hand(written: Path) -> None:
    features = (written / "models/late/features.py").read_text()
    assert 'return columns["delay"] > BOUND' in features
    assert "BOUND = 15" in features
    assert 'Moment("ordered_at")' in features
    spans = (written / "data/late/spans.py").read_text()
    assert 'SOURCE = Path(__file__).parents[2] / "rows.parquet"' in spans
    assert 'MOMENTS = ("ordered_at",)' in spans
    assert "timestamp=None" in (written / "data/price/spans.py").read_text()


def test_two_thousand_columns_are_no_problem(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    table = pa.table({f"x{n}": random.random(150) for n in range(2000)})
    table = table.append_column("y", pa.array(random.random(150) > 0.5))
    texts = files(designed(table, "wide", tmp_path, label="y"), tmp_path)
    assert texts[Path("models/wide/features.py")].count("Number(") == 2000
