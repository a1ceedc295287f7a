"""`evergreen data`, from the real sample to spans."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evergreen.cli import app
from evergreen.errors import DataError
from evergreen.spans import list_versions

ROOT = Path(__file__).parents[3]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs `evergreen data ...` on spans in a temporary folder."""
    monkeypatch.setenv("COLUMNS", "200")

    def data(*arguments: str) -> Result:
        own = ["--project", str(ROOT), "--set", f"data.spans={tmp_path / 'spans'}"]
        return CliRunner().invoke(app, ["data", *arguments, *own])

    return data


def cells(result: Result) -> list[list[str]]:
    """The rows of the printed table: number, version and rows of each span."""
    assert result.exit_code == 0, result.output
    return re.findall(r"^│ (\d+) +│ (\d+) +│ (\d+) ", result.output, re.MULTILINE)


def test_data_is_prepared_listed_and_landed(data, tmp_path: Path) -> None:
    assert "next: evergreen data prepare" in data("list").output
    prepared = cells(data("prepare"))
    assert [(number, version) for number, version, _ in prepared] == [
        ("1", "1"),
        ("2", "1"),
        ("3", "1"),
        ("4", "1"),
    ]
    assert sum(int(rows) for _, _, rows in prepared) == 15_002
    assert cells(data("prepare")) == cells(data("list")) == prepared

    late = tmp_path / "late.csv"
    late.write_text("fare,trip_start_timestamp\n1,1483228800\n")
    landed = data("land", str(late), "--span", "5")
    assert cells(landed) == [("5", "1", "1")]
    assert "next: evergreen run --spans 5" in landed.output
    assert cells(data("list"))[-1] == ("5", "1", "1")


def test_what_cannot_be_landed_leaves_no_span(data, tmp_path: Path) -> None:
    result = data("land", str(tmp_path / "no.csv"), "--span", "1")
    assert isinstance(result.exception, DataError)
    assert "no.csv does not exist" in str(result.exception)
    assert list_versions(tmp_path / "spans" / "year") == []
