"""`evergreen data`, from the real sample to spans."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evergreen.cli import app
from evergreen.errors import DataError
from evergreen.quality.schema import column_kinds, load_curated
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
    return re.findall(r"^ *(\d+) +(\d+) +(\d+) ", result.output, re.MULTILINE)


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
    assert landed.output.rstrip().endswith(" --spans 5")
    assert cells(data("list"))[-1] == ("5", "1", "1")


def broken(*_: object) -> None:
    """A source with a fault of its own."""
    raise KeyError("trip_id")


def test_a_source_that_fails_is_told_with_its_place(data) -> None:
    failed = data("prepare", "--set", f"data.source={__name__}.broken")
    assert isinstance(failed.exception, DataError)
    assert "KeyError: 'trip_id' (tests/unit/commands/test_data.py, line" in str(failed.exception)
    assert failed.exception.hint.startswith("Correct ")


def test_a_file_of_another_dialect_is_landed(data, tmp_path: Path) -> None:
    late = tmp_path / "late.csv"
    late.write_text("fare;company;trip_start_timestamp\n1,5;a,b;1483228800\n")
    refused = data("land", str(late), "--span", "5")
    assert "separated by semicolons" in str(refused.exception)
    for delimiter, decimal in (("ab", "."), (";", "x"), (",", ",")):
        refused = data(
            "land", str(late), "--span", "5", "--delimiter", delimiter, "--decimal", decimal
        )
        assert isinstance(refused.exception, DataError)
        assert list_versions(tmp_path / "spans" / "year") == []
    landed = data("land", str(late), "--span", "5", "--delimiter", ";", "--decimal", ",")
    assert cells(landed) == [("5", "1", "1")]
    [span] = list_versions(tmp_path / "spans" / "year")
    assert span.files[0].read_text().splitlines()[1].startswith('"1.5","a,b","1483228800"')
    late.write_text("fare\ttrip_start_timestamp\n1.5\t1483228800\n")
    assert cells(data("land", str(late), "--span", "6", "--delimiter", "tab"))


def test_a_first_schema_is_made_and_overwrites_nothing(data, tmp_path: Path) -> None:
    file, output = tmp_path / "trips.csv", tmp_path / "schema.pbtxt"
    file.write_text("fare,zip\n1.5,00501\n2,10001\n")
    made = data("schema", str(file), "--output", str(output))
    assert made.exit_code == 0, made.output
    assert column_kinds(load_curated(output)) == {
        "trip_id": "BYTES", "fare": "FLOAT", "zip": "BYTES",
    }  # fmt: skip
    assert data("schema", str(file)).output == output.read_text()
    again = data("schema", str(file), "--output", str(output))
    assert isinstance(again.exception, DataError)
    assert "Name a new file" in again.exception.hint


def test_a_schema_is_held_against_all_spans(data, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are no spans"):
        raise data("schema").exception
    data("prepare")
    fits = data("schema")
    assert "schema.pbtxt fits 4 spans" in fits.output, fits.output
    text = (ROOT / "data/taxi/schema.pbtxt").read_text()
    other = tmp_path / "other.pbtxt"
    text = text.replace("max: 86400", "max: 3600").replace('value: "Cash"', 'value: "Coins"')
    other.write_text(text.replace('name: "tips"', 'name: "tip"', 1))
    output = tmp_path / "new.pbtxt"
    differs = data("schema", "--set", f"data.schema={other}", "--output", str(output)).output
    assert re.search(r"trip_seconds +at most 3600 +up to 72120", differs), differs
    assert re.search(r"payment_type +one of 7 texts +also Cash", differs)
    assert re.search(r"tip +a column +none in any span", differs)
    assert re.search(r"tips +no such column +number", differs)
    assert "fits 4 spans" in data("schema", "--set", f"data.schema={output}").output


def test_what_cannot_be_landed_leaves_no_span(data, tmp_path: Path) -> None:
    result = data("land", str(tmp_path / "no.csv"), "--span", "1")
    assert isinstance(result.exception, DataError)
    assert "no.csv does not exist" in str(result.exception)
    assert list_versions(tmp_path / "spans" / "year") == []
