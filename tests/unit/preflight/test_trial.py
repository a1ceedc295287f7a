"""A use case as `evergreen new` writes it passes its trial; a fault in it is told with its line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from evergreen.scaffold.design import Request, design
from evergreen.scaffold.files import files
from evergreen.scaffold.publication import write
from tests.project import ROOT
from tests.unit.scaffold.tables import hostile

MAIN = "from evergreen.cli import main; main()"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of its own with one use case, whose columns are called in hostile ways."""
    folder = tmp_path_factory.mktemp("project")
    for part in ("configs", "pipeline", "requirements"):
        shutil.copytree(ROOT / part, folder / part)
    pq.write_table(hostile(), folder / "rows.parquet")
    request = Request("odd", folder / "rows.parquet", label="label")
    write(folder, "odd", files(design(request), folder))
    for package in ("models", "data"):
        (folder / package / "__init__.py").touch()
    return folder


def check(project: Path) -> subprocess.CompletedProcess[str]:
    """Asks another process, in which `models` is that of the project."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, "check", "--use-case", "odd"],
        check=False,
        capture_output=True,
        text=True,
        cwd=project,
        env=os.environ | {"PYTHONPATH": f"{project}:{ROOT}", "COLUMNS": "200"},
    )


def test_what_new_has_written_passes_for_any_names_of_columns(project: Path) -> None:
    answer = check(project)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    for step in ("rows: 200 rows of the source", "examples", "preprocessing_fn", "run_fn", "model"):
        assert f"✓ {step}" in answer.stdout
    assert not (project / "var/pipeline").exists()
    assert not (project / "var/metadata.sqlite").exists()


def test_a_fault_in_the_code_is_told_with_its_line(project: Path) -> None:
    model = project / "models/odd/model.py"
    text = model.read_text()
    model.write_text(text.replace("return preprocess(ODD, inputs)", "return inputs['not there']"))
    try:
        answer = check(project)
    finally:
        model.write_text(text)
    assert answer.returncode != 0
    assert "preprocessing_fn: models/odd/model.py, line" in answer.stderr
    assert "KeyError: 'not there'" in answer.stderr
