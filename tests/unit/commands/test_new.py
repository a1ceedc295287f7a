"""`evergreen new`: a table becomes a use case, with a reason for each choice."""

from pathlib import Path

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from evergreen.cli import app
from tests.project import ROOT
from tests.unit.commands.asking import check_harmless
from tests.unit.scaffold.tables import orders


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/base.yaml").write_text((ROOT / "configs/base.yaml").read_text())
    pq.write_table(orders(1000), tmp_path / "orders.parquet")
    return tmp_path


def ask(project: Path, *words: str) -> Result:
    command = ["new", *words, "--project", str(project)]
    return CliRunner(env={"COLUMNS": "120"}).invoke(app, command)


def made(project: Path) -> set[str]:
    files = (path for path in project.rglob("*") if path.is_file())
    return {str(path.relative_to(project)) for path in files} - {
        "configs/base.yaml",
        "orders.parquet",
    }


def test_each_choice_is_explained_and_all_files_are_written(project: Path) -> None:
    words = ["--label", "delay > 15", "--time", "ordered at", "--by", "quarter"]
    told = ask(project, "late", "--from", str(project / "orders.parquet"), *words)
    assert told.exit_code == 0, told.output
    assert "delay > 15: binary, since it is a condition" in told.output
    assert "spans    4, one a quarter (UTC), from 2023-01-01" in told.output
    assert "suspect  arrived_km: missing in the same rows as the label" in told.output
    assert "gradient boosting" in told.output
    assert told.output.rstrip().endswith(" --use-case late")
    assert made(project) == {
        "configs/late.yaml",
        "data/late/__init__.py",
        "data/late/schema.pbtxt",
        "data/late/spans.py",
        "docs/use-cases/late.md",
        "models/late/__init__.py",
        "models/late/features.py",
        "models/late/model.py",
        "tests/unit/models/late/__init__.py",
        "tests/unit/models/late/test_features.py",
    }
    again = ask(project, "late", "--from", str(project / "orders.parquet"), *words)
    assert "the name 'late' is taken" in str(again.exception)


def test_a_dry_run_shows_every_file_and_writes_none(project: Path) -> None:
    pacsv.write_csv(orders(1000), project / "orders.csv")
    told = ask(
        project, "price", "--from", str(project / "orders.csv"), "--label", "price", "--dry-run"
    )
    assert told.exit_code == 0, told.output
    assert "configs/price.yaml" in told.output
    assert "Task.REGRESSION" in told.output
    assert made(project) == {"orders.csv"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["Late", "--label", "price"], "'Late' is no name"),
        (["late", "--label", "nothing"], "no value in 1,000 rows"),
        (["late", "--label", "price", "--time", "distance"], "'distance' holds numbers, not times"),
        (["late", "--label", "price", "--time", "orderd at"], "no column 'orderd at'"),
        (["late", "--label", "price", "--by", "month"], "--by is without --time"),
        (["late", "--label", "price", "--by", "day"], "no period 'day'"),
        (["late", "--label", "price", "--query", "SELECT 1"], "takes no query"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    project: Path, words: list[str], problem: str
) -> None:
    refused = ask(project, *words, "--from", str(project / "orders.parquet"))
    assert problem in str(refused.exception)
    assert made(project) == set()


def test_a_table_with_two_columns_of_one_name_is_refused(project: Path) -> None:
    (project / "twice.csv").write_text("a,b,a\n1,2,3\n")
    refused = ask(project, "late", "--from", str(project / "twice.csv"), "--label", "b")
    assert "more than one column named 'a'" in str(refused.exception)


def test_hostile_names_do_not_drive_the_terminal(project: Path) -> None:
    table = orders(500).select(["distance", "price", "state"])
    names = ["\x1b[31m\u202e[red]x", "price", "y" * 4000]
    pq.write_table(table.rename_columns(names), project / "hostile.parquet")
    told = ask(project, "late", "--from", str(project / "hostile.parquet"), "--label", "price")
    assert told.exit_code == 0, told.output
    check_harmless(told.output)
