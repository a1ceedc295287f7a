"""Foreign files in the folder of labels break nothing, and the good labels count."""

import gzip
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.monitoring.label_values import parser
from evergreen.monitoring.labels import Labels
from evergreen.monitoring.left_out import SHOWN, LeftOut
from evergreen.settings.task import Task
from tests.fuzzing import flat_memory, fuzz
from tests.unit.monitoring.damage import damaged

LONG_AGO, NOW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
ZEROS_AND_ONES = parser(Task.BINARY, ())
GOOD = [(f"good-{at}", at % 3, at % 2) for at in range(300)]
CSV = "request_id,row,label\n" + "".join(f"{id_},{row},{label}\n" for id_, row, label in GOOD)
TABLE = pa.table(dict(zip(("request_id", "row", "label"), map(list, zip(*GOOD)))))  # noqa: B905
CELLS = st.sampled_from(
    ["", "0", "1", "1.0", "true", "False", "yes", "-1", "2", "nan", "inf", "1e400", "0x1", "1_0",
     "٣", "NULL", '"', '""', "'", ",", ";", "\t", "\n", "\r", "\0", "é", "good-1", "2026-01-31",
     "2026-02-30T00:00:00Z", "9" * 30, "1700000000", "x" * 300]
) | st.text(max_size=5)  # fmt: skip
NAMES = st.sampled_from(["request_id", "row", "label", "time", " label ", "Label", "note", ""])
ENDINGS = st.sampled_from([".csv", ".CSV", ".tsv", ".txt", ".csv.gz", ".parquet", ".csv.zst", ""])
VALUES = st.sampled_from(
    [None, 0, 1, 2, -1, 2**63 - 1, 0.0, 1.0, 0.5, math.nan, math.inf, "", "1", "true", "good-1",
     b"\xff", b"1", True, Decimal("1.0"), Decimal("0.5"), date(2026, 1, 31), [1], {"a": 1},
     datetime(1, 1, 1), datetime(9999, 1, 1, tzinfo=UTC), "2026-01-31T00:00:00+14:00"]
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _memory() -> Iterator[None]:
    with flat_memory():
        yield


def check(folder: Path, name: str, content: bytes) -> None:
    """Loads a folder of a good file and a hostile one; the good labels count, in short time."""
    (folder / "a-good.csv").write_text(CSV)
    hostile = folder / name
    hostile.write_bytes(content)
    left_out = LeftOut("labels")
    labels = Labels.load(folder, LONG_AGO, NOW, left_out, ZEROS_AND_ONES)
    hostile.unlink()
    assert_good_ones_count(labels)
    assert set(labels.values.tolist()) <= {0, 1}
    assert len(left_out.notes) <= SHOWN
    assert all(len(note) < 1000 and note.isprintable() for note in left_out.notes)


def assert_good_ones_count(labels: Labels) -> None:
    """Of each row that is good there is a label; a well-made hostile file may say another one."""
    ids, rows, _ = zip(*GOOD, strict=True)
    values, _ = labels.join(pa.array(ids), pa.array(rows))
    assert not any(map(math.isnan, values))


@fuzz(100)
@given(ending=ENDINGS, content=st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, ending: str, content: bytes) -> None:
    check(tmp_path, f"hostile{ending}", content)


@fuzz(250)
@given(
    names=st.lists(NAMES, max_size=5),
    rows=st.lists(st.lists(CELLS, max_size=5), max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    ending=ENDINGS,
)
def test_any_text(
    tmp_path: Path, names: list[str], rows: list[list[str]], delimiter: str, end: str, ending: str
) -> None:
    text = end.join(delimiter.join(row) for row in [names, *rows]).encode(errors="replace")
    check(
        tmp_path, f"hostile{ending}", gzip.compress(text, mtime=0) if ending == ".csv.gz" else text
    )


@fuzz(150)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=3),
    place=st.integers(0, 300),
)
def test_a_few_bad_rows_do_not_take_the_good_ones_along(
    tmp_path: Path, rows: list[tuple[str, ...]], place: int
) -> None:
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    lines = [f"{id_},{row},{label},\n" for id_, row, label in GOOD]
    lines[place:place] = [f"{line}\n" for line in quoted]
    text = "request_id,row,label,time\n" + "".join(lines)
    (tmp_path / "all.csv").write_bytes(text.encode(errors="replace"))
    assert_good_ones_count(Labels.load(tmp_path, LONG_AGO, NOW, LeftOut("labels"), ZEROS_AND_ONES))


@fuzz(150)
@given(columns=st.dictionaries(NAMES, st.lists(VALUES, min_size=2, max_size=2), max_size=5))
def test_any_types(tmp_path: Path, columns: dict[str, list[Any]]) -> None:
    arrays = {}
    for name, values in columns.items():
        try:
            arrays[name] = pa.array(values)
        except (pa.ArrowException, ValueError, OverflowError):  # no column has both
            arrays[name] = pa.array([values[0]] * 2)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays), sink)
    check(tmp_path, "hostile.parquet", sink.getvalue().to_pybytes())


@fuzz(150)
@given(st.data())
def test_any_damage(tmp_path: Path, data: st.DataObject) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(TABLE, sink, compression=data.draw(st.sampled_from(["none", "snappy", "zstd"])))
    content = damaged(data, sink.getvalue().to_pybytes())
    ending = data.draw(st.sampled_from([".parquet", ".parquet", ".csv", ".csv.gz"]))
    if ending.startswith(".csv"):
        content = damaged(
            data, gzip.compress(CSV.encode(), mtime=0) if ending[4:] else CSV.encode()
        )
    check(tmp_path, f"hostile{ending}", content)
