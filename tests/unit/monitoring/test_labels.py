"""Labels find their predictions, whatever way they come in; what is no label is named."""

import gzip
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.monitoring import label_files
from evergreen.monitoring.label_values import Parse, parser
from evergreen.monitoring.labels import Labels
from evergreen.monitoring.left_out import LeftOut
from evergreen.settings.task import Task

LONG_AGO, NOW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
HEAD = "request_id,row,label\n"
IDS = [(f"id-{at}", at % 3) for at in range(8)]
TRUTH = [at % 4 == 0 for at in range(8)]
CSV = HEAD + "".join(f"{id_},{row},{int(label)}\n" for (id_, row), label in zip(IDS, TRUTH))  # noqa: B905


ZEROS_AND_ONES = parser(Task.BINARY, ())


def load(
    folder: Path, now: datetime = NOW, parse: Parse = ZEROS_AND_ONES
) -> tuple[Labels, list[str]]:
    left_out = LeftOut("labels")
    return Labels.load(folder, LONG_AGO, now, left_out, parse), left_out.sentences


def joined(folder: Path, *keys: tuple[str, int], now: datetime = NOW) -> list[float | None]:
    labels, _ = load(folder, now)
    ids, rows = zip(*keys, strict=True)
    values, _ = labels.join(pa.array(ids), pa.array(rows, pa.int32()))
    return [None if np.isnan(value) else value for value in values]


def write(folder: Path, name: str, content: str | bytes | pa.Table) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pa.Table):
        pq.write_table(content, file)
    else:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def table(**columns: Any) -> pa.Table:
    plain = {"request_id": [id_ for id_, _ in IDS], "row": [row for _, row in IDS], "label": TRUTH}
    return pa.table(plain | columns)


def test_a_label_belongs_to_a_row_of_a_request(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "request_id,row,label\nr1,0,1\nr1,1,0\nr2,0,0\n")
    found = joined(tmp_path, ("r1", 0), ("r1", 1), ("r2", 0), ("r2", 1), ("r3", 0))
    assert found == [1, 0, 0, None, None]


def test_csv_and_parquet_go_together(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "request_id,row,label\nr1,0,1\n")
    labels = pa.table({"request_id": ["r2"], "row": [0], "label": [True]})
    write(tmp_path, "date=2026-01-01/b.parquet", labels)
    assert joined(tmp_path, ("r1", 0), ("r2", 0)) == [1, 1]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.csv", CSV),
        ("LABELS.CSV", CSV),
        ("labels.csv/part-0.csv", CSV),
        ("labels.parquet/part-0.parquet", table()),
        ("L.Parquet", table()),
        ("l.parq", table()),
        ("l.csv.gz", gzip.compress(CSV.encode(), mtime=0)),
        ("l.CSV.GZ", gzip.compress(CSV.encode(), mtime=0)),
        ("l.tsv", CSV.replace(",", "\t")),
        ("l.csv", CSV.replace(",", ";")),
        ("l.txt", CSV.replace(",", "|")),
        ("l.csv", "\ufeff" + CSV),
        ("l.csv", CSV.replace("\n", "\r\n")),
        ("l.csv", CSV.replace(",", ", ")),
        ("l.csv", CSV.replace("\n", "\n\n")),
        ("l.csv", CSV.replace(",1\n", ",True\n").replace(",0\n", ",False\n")),
        ("l.csv", CSV.replace(",1\n", ",true\n").replace(",0\n", ",FALSE\n")),
        ("l.csv", CSV.replace(",1\n", ",1.0\n").replace(",0\n", ",0.0\n")),
        ("l.csv", HEAD + "".join(f"{i},{r}.0,{int(v)}\n" for (i, r), v in zip(IDS, TRUTH))),  # noqa: B905
        ("l.csv", CSV.replace("\n", ',"a, b\nc"\n').replace('label,"a, b\nc"', "label,note", 1)),
        ("l.parquet", table(row=pa.array([row for _, row in IDS], pa.float64()))),
        ("l.parquet", table(row=[str(row) for _, row in IDS])),
        ("l.parquet", table(label=[float(number) for number in TRUTH])),
        ("l.parquet", table(label=[Decimal(number) for number in TRUTH])),
        ("l.parquet", table(label=[str(number) for number in TRUTH])),
        ("l.parquet", table(request_id=pa.array([id_.encode() for id_, _ in IDS]))),
        ("l.parquet", table(request_id=pa.array([id_ for id_, _ in IDS]).dictionary_encode())),
        ("l.parquet", table(note=[[1]] * 8)),
    ],
)  # fmt: skip
def test_labels_come_in_many_forms(
    tmp_path: Path, name: str, content: str | bytes | pa.Table
) -> None:
    write(tmp_path, name, content)
    write(tmp_path, "_SUCCESS", "")
    write(tmp_path, f".{Path(name).name}.crc", "crc")
    assert joined(tmp_path, *IDS) == TRUTH
    assert load(tmp_path)[1] == []


def test_a_column_that_is_no_label_may_hold_what_it_likes(tmp_path: Path) -> None:
    rows = "".join(f"x{at},0,0,1\n" for at in range(120_000))
    write(tmp_path, "l.csv", f"request_id,row,label,note\n{rows}y,0,1,free text\n")
    assert joined(tmp_path, ("x7", 0), ("y", 0)) == [0, 1]


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02T12:00:00Z",
        "2026-01-02T12:00:00",
        "2026-01-02 12:00:00",
        "2026-01-02 12:00:00+00:00",
        "2026-01-02T14:00:00+02:00",
        "2026-01-02 12:00:00.000000",
        str(int(NOON.timestamp())),
    ],
)
def test_moments_come_in_many_forms(tmp_path: Path, text: str) -> None:
    write(tmp_path, "l.csv", f"request_id,row,label,time\nr,0,1,{text}\n")
    column = {"request_id": ["p"], "row": [0], "label": [1], "time": [text]}
    write(tmp_path, "l.parquet", pa.table(column))
    labels, left_out = load(tmp_path)
    assert (labels.times.tolist(), left_out) == ([NOON.timestamp()] * 2, [])


@pytest.mark.parametrize(
    "times",
    [
        pa.array([NOON.replace(tzinfo=None)], pa.timestamp("us")),
        pa.array([NOON], pa.timestamp("ns", "Europe/Vienna")),
        pa.array([int(NOON.timestamp())]),
    ],
)
def test_moments_of_parquet_are_utc(tmp_path: Path, times: pa.Array) -> None:
    columns = {"request_id": ["r"], "row": [0], "label": [1], "time": times}
    write(tmp_path, "l.parquet", pa.table(columns))
    assert load(tmp_path)[0].times.tolist() == [NOON.timestamp()]


def test_a_date_is_its_midnight(tmp_path: Path) -> None:
    columns = {"request_id": ["r"], "row": [0], "label": [1], "time": [date(2026, 1, 2)]}
    write(tmp_path, "l.parquet", pa.table(columns))
    write(tmp_path, "l.csv", "request_id,row,label,time\nr2,0,1,2026-01-02\n")
    assert load(tmp_path)[0].times.tolist() == [(NOON - timedelta(hours=12)).timestamp()] * 2


def test_where_the_time_is_empty_it_is_that_of_the_file(tmp_path: Path) -> None:
    csv = write(tmp_path, "l.csv", f"request_id,row,label,time\na,0,1,{NOON:%FT%TZ}\nb,0,1,\n")
    columns = {"request_id": ["c", "d"], "row": [0, 0], "label": [1, 1], "time": [NOON, None]}
    parquet = write(tmp_path, "l.parquet", pa.table(columns))
    for file in (csv, parquet):
        os.utime(file, (0, NOON.timestamp() + 60))
    labels, left_out = load(tmp_path)
    later = NOON.timestamp() + 60
    assert sorted(labels.times.tolist()) == [NOON.timestamp()] * 2 + [later] * 2
    assert left_out == []


def test_of_two_labels_the_one_known_later_counts(tmp_path: Path) -> None:
    head = "request_id,row,label,time\n"
    write(tmp_path, "a.csv", f"{head}r1,0,1,2026-01-02T00:00:00Z\n")
    write(tmp_path, "b.csv", f"{head}r1,0,0,2026-01-01T00:00:00Z\n")
    assert joined(tmp_path, ("r1", 0)) == [1]
    assert joined(tmp_path, ("r1", 0), now=datetime(2026, 1, 1, 12, tzinfo=UTC)) == [0]


def test_what_is_not_known_yet_and_what_is_not_finished_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "request_id,row,label\nr1,0,\nr2,0, \n,,\n")
    write(tmp_path, ".b.csv", "request_id,row,label\nr1,0,1\n")
    write(tmp_path, "_temporary/0/b.csv", "request_id,row,label\nr1,0,1\n")
    columns = {"request_id": ["r1", "r2"], "row": [0, 0], "label": [None, float("nan")]}
    write(tmp_path, "a.parquet", pa.table(columns))
    assert joined(tmp_path, ("r1", 0), ("r2", 0)) == [None, None]
    assert load(tmp_path)[1] == []


def test_a_label_is_of_one_prediction(tmp_path: Path) -> None:
    write(tmp_path, "l.csv", HEAD + "same,0,1\nother,0,0\n")
    labels, _ = load(tmp_path)
    ids, rows = ["same", "other", *["same"] * 299], pa.array([0] * 301, pa.int32())
    values, times = labels.join(pa.array(ids), rows)
    assert np.nonzero(np.isfinite(values))[0].tolist() == [0, 1]
    assert np.isfinite(times).sum() == 2
    assert labels.repeated == 299
    assert not np.isfinite(labels.join(pa.array(["same"]), rows[:1])[0]).any()
    assert labels.repeated == 300


def test_without_labels_there_are_none(tmp_path: Path) -> None:
    assert joined(tmp_path / "nowhere", ("r1", 0)) == [None]
    write(tmp_path, "l.csv", HEAD)
    assert joined(tmp_path, ("r1", 0)) == [None]


def test_a_file_may_stand_for_the_folder(tmp_path: Path) -> None:
    assert joined(write(tmp_path, "l.csv", CSV), *IDS) == TRUTH


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", "request_id,label\nr1,1\n", "lacks the columns row"),
        ("a.csv", "r1,0,1\n", "lacks the columns label, request_id, row"),
        ("a.csv", "request_id,row,label,label\nr1,0,1,0\n", "has the column label twice"),
        ("a.csv", "", "is empty"),
        ("a.csv", CSV.encode("utf-16"), "cannot be read as labels"),
        ("a.csv", HEAD + 'r1,0,"1\n' + "x" * 2**21, "cannot be read as labels"),
        ("a.csv", HEAD + "r1,0,yes\nr2,0,no\n", "line 2: label 'yes' is not true or false, 1 or 0"),
        ("a.csv", HEAD + "r1,0,2\nr2,0,1\nr3,0,3\n", "2 of 3 rows are bad, so none is taken"),
        ("a.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:-12], "cannot be read as labels"),
        ("a.parquet", "no parquet", "cannot be read as labels"),
        ("a.parquet", "", "cannot be read as labels"),
        ("a.parquet", table(label=[[1]] * 8), "cannot be read as labels"),
        ("a.parquet", pa.table({"a": [1]}), "lacks the columns label, request_id, row"),
        ("a.jsonl", '{"request_id": "r1"}', "ends with none of .csv, .parq"),
        ("README", "mine", "ends with none of .csv, .parq"),
    ],
)
def test_a_file_that_is_none_is_named_and_the_others_count(
    tmp_path: Path, name: str, content: str | bytes | pa.Table, problem: str
) -> None:
    file = write(tmp_path, f"bad/{name}", content)
    write(tmp_path, "good.csv", CSV)
    labels, [sentence] = load(tmp_path)
    assert len(labels.keys) == len(IDS)
    assert sentence.startswith(f"{file}: ")
    assert problem in sentence


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("abc,1", "line 10: it has 2 fields, and the header 3"),
        ("abc,,1", "line 10: row is empty"),
        (",1,1", "line 10: request_id is empty"),
        ("abc,-1,1", "line 10: row '-1' is less than 0"),
        ("abc,1.5,1", "line 10: row '1.5' is not a whole number"),
        ("abc,1,2", "line 10: label '2' is not true or false, 1 or 0"),
        ("abc,1,1_0", "line 10: label '1_0' is not true or false, 1 or 0"),
    ],
)
def test_a_row_that_is_none_is_named_by_its_line_and_the_others_count(
    tmp_path: Path, row: str, problem: str
) -> None:
    file = write(tmp_path, "a.csv", f"{CSV}{row}\nlast,0,1\n")
    assert joined(tmp_path, *IDS, ("last", 0)) == [*TRUTH, 1]
    assert load(tmp_path)[1] == [f"{file}: {problem}"]


def test_a_file_of_ragged_rows_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_files, "MOST_RAGGED", 5)
    write(tmp_path, "ragged.csv", HEAD + "abc,1\n" * 100)
    write(tmp_path, "good.csv", CSV)
    labels, [sentence] = load(tmp_path)
    assert len(labels.keys) == len(IDS)
    assert "ragged.csv: cannot be read as labels: " in sentence
    assert "Expected 3 columns, got 2: abc,1" in sentence


def test_a_line_is_that_of_the_file_whatever_is_before_it(tmp_path: Path) -> None:
    rows = "".join(f'r{at},0,1,"two\nlines"\n\n' for at in range(1000))
    text = f"request_id,row,label,note\n{rows}abc,0,2,\nabc,9,9,\n"
    write(tmp_path, "a.csv", text)
    [sentence] = load(tmp_path)[1]
    assert "line 3,002: label '2'" in sentence
    assert sentence.endswith("; and 1 other row")


def test_a_row_of_parquet_is_named_by_its_number(tmp_path: Path) -> None:
    write(tmp_path, "a.parquet", table(row=[0, 1, 2, None, 1, 2, 0, 1]))
    assert joined(tmp_path, *IDS)[3] is None
    assert "row 4: row is empty" in load(tmp_path)[1][0]


def test_a_column_that_is_not_read_may_be_of_another_encoding(tmp_path: Path) -> None:
    head, *rows = CSV.splitlines()
    lines = [f"{head},Größe", *(f"{row},süß" for row in rows), "abc,0,2,süß", ""]
    write(tmp_path, "l.csv", "\n".join(lines).encode("latin-1"))
    assert joined(tmp_path, *IDS) == TRUTH
    assert "line 10: label '2'" in load(tmp_path)[1][0]


def test_a_field_without_end_costs_no_label(tmp_path: Path) -> None:
    head, *rows = CSV.splitlines()
    lines = [f"{head},note", *(f"{row},{'x' * 200_000}" for row in rows), "abc,0,2,"]
    write(tmp_path, "l.csv", "\n".join(lines))
    assert joined(tmp_path, *IDS) == TRUTH
    assert "row 9: label '2'" in load(tmp_path)[1][0]


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    write(folder, "l.csv", CSV)
    os.mkfifo(folder / "pipe.csv")
    (folder / "broken.csv").symlink_to("nowhere")
    (folder / "link").symlink_to(tmp_path)
    (folder / "good.csv").symlink_to(write(tmp_path, "m.csv", HEAD + "m,0,1\n"))
    assert joined(folder, *IDS, ("m", 0)) == [*TRUTH, 1]
    assert [(note.split(":")[0][-9:], "no file" in note) for note in load(folder)[1]] == [
        ("roken.csv", True), ("bels/link", True), ("/pipe.csv", True),
    ]  # fmt: skip


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read all")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    assert f"{closed}: cannot be read" in load(tmp_path)[1][0]
