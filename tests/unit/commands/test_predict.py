"""`evergreen predict`, with a server in this process."""

import io
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from evergreen.commands.predict import predict
from evergreen.errors import DataError, EvergreenError
from evergreen.serving.client import files
from evergreen.serving.client.failures import ServerError
from tests.unit.serving.backend import MODEL, Backend, probability

TABLE = pa.table(
    {
        "trip_id": ["a", "b", "c"],
        "fare": [12.25, 7.0, None],
        "hour": [9, None, 23],
        "payment": ["007", None, "Cash"],
    }
)
MEANT = [(12.25, 9, b"007"), (7.0, -1, b""), (float("nan"), 23, b"Cash")]
EXPECTED = np.array([probability(*row) for row in MEANT], np.float32)
app = typer.Typer()
app.command()(predict)


def run(*arguments: object, stdin: bytes = b"") -> Result:
    command = [str(argument) for argument in (*arguments, "--model", MODEL)]
    runner = CliRunner(env={"COLUMNS": "150", "TERM": "dumb"})
    return runner.invoke(app, command, input=stdin)


def failure(*arguments: object) -> EvergreenError:
    answer = run(*arguments)
    assert isinstance(answer.exception, EvergreenError), answer.output
    return answer.exception


def csv_bytes() -> bytes:
    target = io.BytesIO()
    pacsv.write_csv(TABLE, target)
    return target.getvalue()


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_bytes(csv_bytes())
    return tmp_path / "rows.csv"


def written(folder: Path) -> list[Path]:
    """The same rows in every format; content counts, not the name."""
    pq.write_table(TABLE, folder / "rows.parquet")
    lines = [orjson.dumps(row) for row in TABLE.to_pylist()]
    (folder / "rows.jsonl").write_bytes(b"\n".join(lines))
    (folder / "rows.json").write_bytes(b"[" + b",".join(lines) + b"]")
    (folder / "rows.txt").write_bytes(csv_bytes())
    return [folder / f"rows.{suffix}" for suffix in ("parquet", "jsonl", "json", "txt")]


def test_every_format_gives_the_same_predictions(backend: Backend, tmp_path: Path) -> None:
    for file in written(tmp_path):
        output = tmp_path / "out.parquet"
        answer = run(file, "--target", backend.grpc, "--output", output)
        assert answer.exit_code == 0, answer.output
        predicted = pq.read_table(output)
        assert predicted.column_names == [*TABLE.column_names, "probabilities"]
        assert predicted["trip_id"].to_pylist() == ["a", "b", "c"]
        np.testing.assert_array_equal(
            np.array(predicted["probabilities"], np.float32), EXPECTED, str(file)
        )


def test_rows_come_from_stdin_and_go_to_csv_and_json(backend: Backend, tmp_path: Path) -> None:
    for suffix in ("csv", "jsonl"):
        output = tmp_path / f"out.{suffix}"
        arguments = ("-", "--rest", "--target", backend.rest, "--signature", "raw")
        answer = run(*arguments, "--output", output, stdin=csv_bytes())
        assert answer.exit_code == 0, answer.output
        assert str(output) in answer.output
    columns = pacsv.read_csv(tmp_path / "out.csv")
    np.testing.assert_allclose(columns["probabilities"].to_numpy(), EXPECTED, rtol=1e-6)
    rows = [orjson.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    np.testing.assert_array_equal(
        np.array([row["probabilities"] for row in rows], np.float32), EXPECTED
    )


LETTERS = {
    "zip": ["00501", "02134", ""],
    "order_id": ["12345678901234567890", "12345678901234567891", "1"],
    "hex": ["0x1F", "1_000", "٣"],
    "sku": ["1e5", "2E+10", "1e400"],
    "day": ["2024-01-05", "inf", "nan"],
    "pad": [" 7 ", "8", None],
    "phone": ["+49301234", 'say "hi"', "a,b\nc"],
    "price": ["5.0", "5.50", "-0"],
}


def test_columns_that_only_pass_through_stay_to_the_letter(
    backend: Backend, tmp_path: Path
) -> None:
    letters = pa.table(LETTERS)
    for at, name in enumerate(TABLE.column_names):
        letters = letters.add_column(at, name, TABLE[name].cast(pa.string()))
    csv = (
        "trip_id,fare,hour,payment,zip,order_id,hex,sku,day,pad,phone,price\n"
        "a,12.25,9,007,00501,12345678901234567890,0x1F,1e5,2024-01-05, 7 ,+49301234,5.0\n"
        'b,7,,,02134,12345678901234567891,1_000,2E+10,inf,8,"say ""hi""",5.50\n'
        'c,,23,Cash,"",1,٣,1e400,nan,,"a,b\nc",-0\n'
    )
    (tmp_path / "rows.csv").write_text(csv)
    lines = [json.dumps(row) for row in letters.to_pylist()]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    pq.write_table(letters, tmp_path / "rows.parquet")
    for source in ("csv", "jsonl", "parquet"):
        for target in ("csv", "jsonl", "parquet"):
            output = tmp_path / f"out.{target}"
            answer = run(tmp_path / f"rows.{source}", "--target", backend.grpc, "--output", output)
            assert answer.exit_code == 0, answer.output
            rows = files.read(output)
            assert rows.select(letters.column_names).equals(letters), (source, target)
    run(tmp_path / "rows.csv", "--target", backend.grpc, "--output", tmp_path / "out.csv")
    written = (tmp_path / "out.csv").read_text()
    answers = [str(np.float64(number)) for number in EXPECTED]
    kept = csv.replace("price\n", "price,probabilities\n")
    for end, answer in zip((",5.0\n", ",5.50\n", ",-0\n"), answers, strict=True):
        kept = kept.replace(end, f"{end[:-1]},{answer}\n")
    assert written == kept


def test_types_that_only_pass_through_are_kept(backend: Backend, tmp_path: Path) -> None:
    types = {
        "day": pa.array([1, 2, None], pa.timestamp("us", "UTC")),
        "price": pa.array([Decimal("1.50"), None, Decimal("2.00")], pa.decimal128(9, 2)),
        "flag": pa.array([True, None, False]),
        "small": pa.array([1, 2, 3], pa.int8()),
        "tags": pa.array([["a"], [], None]),
    }
    table = TABLE
    for name, column in types.items():
        table = table.append_column(name, column)
    pq.write_table(table, tmp_path / "rows.parquet")
    output = tmp_path / "out.parquet"
    answer = run(tmp_path / "rows.parquet", "--target", backend.grpc, "--output", output)
    assert answer.exit_code == 0, answer.output
    assert pq.read_table(output).select(table.column_names).equals(table)


def test_whole_numbers_of_json_keep_all_digits(backend: Backend, tmp_path: Path) -> None:
    row = {"fare": 12.25, "hour": 9, "payment": "007", "id": 12345678901234567890}
    lines = [json.dumps(row), json.dumps(row | {"id": 2**100, "other": None})]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    output = tmp_path / "out.jsonl"
    answer = run(tmp_path / "rows.jsonl", "--target", backend.grpc, "--output", output)
    assert answer.exit_code == 0, answer.output
    found = [json.loads(line) for line in output.read_text().splitlines()]
    assert [answer["id"] for answer in found] == [12345678901234567890, 2**100]


def test_tokens_for_missing_values_are_told(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("fare,hour,payment\nNA,-,-\n")
    arguments = (tmp_path / "rows.csv", "--target", backend.grpc)
    assert "column fare, row 1: 'NA' is not a number" in str(failure(*arguments))
    output = tmp_path / "out.csv"
    answer = run(*arguments, "--missing", "NA", "--missing", "-", "--output", output)
    assert answer.exit_code == 0, answer.output
    expected = probability(float("nan"), -1, b"")
    assert output.read_text().splitlines()[1].startswith("NA,-,-,")
    assert float(output.read_text().splitlines()[1].split(",")[-1]) == pytest.approx(expected)


def test_a_bad_value_is_told_with_its_row_before_anything_is_asked(
    backend: Backend, tmp_path: Path
) -> None:
    rows = ["fare,hour,payment", *["1,2,Cash"] * 1500, "1,2.5,Cash"]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    error = failure(tmp_path / "rows.csv", "--target", backend.grpc)
    assert "column hour, row 1501: '2.5' is not a whole number" in str(error)
    assert not backend.asked


def test_without_output_the_terminal_shows_a_table(backend: Backend, csv: Path) -> None:
    answer = run(csv, "--target", backend.grpc, "--limit", 2)
    assert answer.exit_code == 0
    for text in ("probabilities", "fare", f"{EXPECTED[0]:.6g}", f"{EXPECTED[1]:.6g}"):
        assert text in answer.output
    assert f"{EXPECTED[2]:.6g}" not in answer.output
    last = "next: --output predictions.parquet keeps all rows and columns"
    assert answer.output.splitlines()[-1] == last


def test_many_rows_are_asked_in_several_requests(backend: Backend, tmp_path: Path) -> None:
    pq.write_table(pa.concat_tables([TABLE] * 700), tmp_path / "many.parquet")
    output = tmp_path / "out.parquet"
    run(tmp_path / "many.parquet", "--target", backend.grpc, "--output", output)
    assert [len(inputs["examples"]) for inputs in backend.asked] == [1000, 1000, 100]
    np.testing.assert_array_equal(
        np.array(pq.read_table(output)["probabilities"], np.float32), np.tile(EXPECTED, 700)
    )


def test_an_output_with_the_name_of_a_column_overwrites_nothing(
    backend: Backend, tmp_path: Path
) -> None:
    rows = TABLE.append_column("probabilities", pa.array(["x", "y", "z"]))
    pq.write_table(rows, tmp_path / "rows.parquet")
    output = tmp_path / "out.parquet"
    run(tmp_path / "rows.parquet", "--target", backend.grpc, "--output", output)
    predicted = pq.read_table(output)
    assert predicted["probabilities"].to_pylist() == ["x", "y", "z"]
    np.testing.assert_array_equal(
        np.array(predicted["predicted.probabilities"], np.float32), EXPECTED
    )


def test_a_wrong_column_is_named(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("fair,hour,payment\n1,2,Cash\n")
    error = failure(tmp_path / "rows.csv", "--target", backend.grpc)
    assert "do not have: fare" in str(error)
    assert "rename 'fair' to 'fare'" in error.hint


def test_a_server_that_is_gone_is_said(csv: Path, tmp_path: Path) -> None:
    with Backend() as backend:
        target = backend.grpc
    error = failure(csv, "--target", target, "--output", tmp_path / "out.parquet")
    assert isinstance(error, ServerError)
    assert error.hint == (
        "Start a server with `evergreen serve`, or check the address: gRPC has port 8500 and REST "
        "8501, unless told otherwise."
    )
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"fare,hour\n", "has a header and no rows"),
        (b"[]", "there are no rows to predict"),
        (b'{"fare": 1}\n{"fare"', "line 2: is not JSON"),
        (b"[1, 2]", "row 1: is not an object"),
        (b'{"fare": 1}\n{"fare": "x"}', "values of different types"),
        (b"fare,hour\n1\n", "row 2: 1 fields"),
    ],
)
def test_a_file_that_holds_no_rows_is_refused(
    backend: Backend, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "rows").write_bytes(content)
    error = failure(tmp_path / "rows", "--target", backend.grpc)
    assert isinstance(error, DataError)
    assert message in str(error)


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_asked(
    backend: Backend, csv: Path, tmp_path: Path
) -> None:
    for output in (tmp_path / "out.xlsx", tmp_path / "no" / "out.csv"):
        assert failure(csv, "--target", backend.grpc, "--output", output).hint
    assert not backend.asked
