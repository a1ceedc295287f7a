"""`evergreen predict`, with a server in this process."""

import io
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
    command = [str(one) for one in (*arguments, "--model", MODEL)]
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


def files(folder: Path) -> list[Path]:
    """The same rows in every format; content counts, not the name."""
    pq.write_table(TABLE, folder / "rows.parquet")
    lines = [orjson.dumps(row) for row in TABLE.to_pylist()]
    (folder / "rows.jsonl").write_bytes(b"\n".join(lines))
    (folder / "rows.json").write_bytes(b"[" + b",".join(lines) + b"]")
    (folder / "rows.txt").write_bytes(csv_bytes())
    return [folder / f"rows.{suffix}" for suffix in ("parquet", "jsonl", "json", "txt")]


def test_every_format_gives_the_same_predictions(backend: Backend, tmp_path: Path) -> None:
    for file in files(tmp_path):
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


def test_without_output_the_terminal_shows_a_table(backend: Backend, csv: Path) -> None:
    answer = run(csv, "--target", backend.grpc, "--limit", 2)
    assert answer.exit_code == 0
    for text in ("probabilities", "fare", f"{EXPECTED[0]:.6g}", f"{EXPECTED[1]:.6g}"):
        assert text in answer.output
    assert f"{EXPECTED[2]:.6g}" not in answer.output
    assert answer.output.splitlines()[-1].startswith("next: ")


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
    assert "evergreen serve" in error.hint
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
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
