"""Labels find their predictions, whatever way they come in."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.errors import DataError
from evergreen.monitoring.labels import Labels

LONG_AGO, NOW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def joined(folder: Path, *keys: tuple[str, int], now: datetime = NOW) -> list[float | None]:
    labels = Labels.load(folder, LONG_AGO, now)
    ids, rows = zip(*keys, strict=True)
    values, _ = labels.join(pa.array(ids), pa.array(rows, pa.int32()))
    return [None if np.isnan(value) else value for value in values]


def csv(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


def test_a_label_belongs_to_a_row_of_a_request(tmp_path: Path) -> None:
    csv(tmp_path, "a.csv", "request_id,row,label\nr1,0,1\nr1,1,0\nr2,0,0\n")
    found = joined(tmp_path, ("r1", 0), ("r1", 1), ("r2", 0), ("r2", 1), ("r3", 0))
    assert found == [1, 0, 0, None, None]


def test_csv_and_parquet_go_together(tmp_path: Path) -> None:
    csv(tmp_path, "a.csv", "request_id,row,label\nr1,0,1\n")
    (tmp_path / "date=2026-01-01").mkdir()
    table = pa.table({"request_id": ["r2"], "row": [0], "label": [True]})
    pq.write_table(table, tmp_path / "date=2026-01-01/b.parquet")
    assert joined(tmp_path, ("r1", 0), ("r2", 0)) == [1, 1]


def test_of_two_labels_the_one_known_later_counts(tmp_path: Path) -> None:
    head = "request_id,row,label,time\n"
    csv(tmp_path, "a.csv", f"{head}r1,0,1,2026-01-02T00:00:00Z\n")
    csv(tmp_path, "b.csv", f"{head}r1,0,0,2026-01-01T00:00:00Z\n")
    assert joined(tmp_path, ("r1", 0)) == [1]
    assert joined(tmp_path, ("r1", 0), now=datetime(2026, 1, 1, 12, tzinfo=UTC)) == [0]


def test_what_is_not_known_yet_and_what_is_not_finished_does_not_count(tmp_path: Path) -> None:
    csv(tmp_path, "a.csv", "request_id,row,label\nr1,0,\n")
    csv(tmp_path, ".b.csv", "request_id,row,label\nr1,0,1\n")
    assert joined(tmp_path, ("r1", 0)) == [None]


def test_without_labels_there_are_none(tmp_path: Path) -> None:
    assert joined(tmp_path / "nowhere", ("r1", 0)) == [None]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.csv", "request_id,label\nr1,1\n", "lacks the columns row"),
        ("a.csv", "request_id,row,label\nr1,0,2\n", "must be 0 or 1"),
        ("a.csv", "request_id,row,label\nr1,0,yes\n", "cannot be read as labels"),
        ("a.parquet", "no parquet", "cannot be read as labels"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, name: str, text: str, problem: str) -> None:
    csv(tmp_path, name, text)
    with pytest.raises(DataError, match=problem) as caught:
        joined(tmp_path, ("r1", 0))
    assert name in str(caught.value)
