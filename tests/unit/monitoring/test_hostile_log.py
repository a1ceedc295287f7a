"""Foreign files in the log of predictions break nothing, and the good rows are read."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.monitoring.columns import Missing, features
from evergreen.monitoring.form import Form
from evergreen.monitoring.labels import Labels
from evergreen.monitoring.left_out import SHOWN
from evergreen.monitoring.log import Log
from evergreen.monitoring.results import Window
from evergreen.quality.names import CAPACITY
from evergreen.serving.gateway.prediction_log.files import SCHEMA
from evergreen.settings.task import Task
from tests.fuzzing import flat_memory, fuzz
from tests.unit.monitoring.damage import damaged

WINDOW = Window(start=datetime(2026, 1, 5, tzinfo=UTC), end=datetime(2026, 1, 6, tzinfo=UTC))
KINDS = {"miles": "FLOAT", "hour": "INT", "company": "BYTES"}
ROWS = 20
GOOD = {
    "request_id": [f"good-{at}" for at in range(ROWS)], "row": [0] * ROWS,
    "time": [WINDOW.start] * ROWS, "model": ["taxi"] * ROWS, "version": [1] * ROWS,
    "arm": ["stable"] * ROWS, "signature": [""] * ROWS,
    "features": ['{"miles": 1.5, "hour": 7, "company": "A"}'] * ROWS,
    "outputs": ['{"p": 0.5}'] * ROWS,
}  # fmt: skip
TABLE = pa.table(GOOD, SCHEMA)
NAMES = st.sampled_from([*KINDS, "p", "output", ""]) | st.text(max_size=3)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=4),
    st.sampled_from(["7", "7.0", "0x7", "1_0", "nan", "x" * 5000]),
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
TEXTS = st.one_of(
    st.dictionaries(NAMES, JSON, max_size=5).map(json.dumps),
    JSON.map(json.dumps),
    st.text(max_size=8),
    st.sampled_from(
        ["{}{}", "{}\n{}", "{", "\n", "[" * 3000, '{"hour": 1, "hour": 2}', '{"hour": Infinity}',
         '{"a": ' + "[" * 3000 + "]" * 3000 + "}", '{"hour": 7} x', '{"\\ud800": 1}']
    ),
)  # fmt: skip
VALUES = st.sampled_from(
    [None, 0, -1, 2**40, 0.5, math.nan, "", "taxi", "stable", "é", b"\xff", True, [1], {"a": 1},
     WINDOW.start, datetime(1, 1, 1), datetime(9999, 1, 1, tzinfo=UTC), '{"hour": 7}']
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _memory() -> Iterator[None]:
    with flat_memory():
        yield


def check(folder: Path, content: bytes) -> None:
    """Reads a log of a good file and a hostile one, as monitoring does."""
    day = folder / "date=2026-01-05"
    day.mkdir(parents=True, exist_ok=True)
    pq.write_table(TABLE, day / "good.parquet")
    (day / "hostile.parquet").write_bytes(content)
    log, seen, rows = Log(folder, "taxi"), set(), 0
    columns = ["request_id", "row", "time", "features", "outputs"]
    for batch in log.read(WINDOW, columns, 1):
        kept, read = features(batch, KINDS, Missing(-1, ""))
        assert len(kept) + read.unreadable == len(batch)
        assert {len(column) for column in read.columns.values()} == {len(kept)}
        answers = Form(output="p").read(kept["outputs"])
        assert np.all((answers >= 0) & (answers <= 1) | np.isnan(answers))
        Labels.none().join(kept["request_id"], kept["row"])
        seen.update(kept["request_id"].to_pylist())
        rows += len(batch)
    assert seen >= set(GOOD["request_id"])
    assert log.count(WINDOW) >= rows
    assert len(log.left_out.notes) <= SHOWN
    assert all(len(note) < 1000 and note.isprintable() for note in log.left_out.notes)


@fuzz(250)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_any_text_among_good_rows_leaves_them_their_values(texts: list[str]) -> None:
    good = '{"miles": 1.5, "hour": 7, "company": "A"}'
    rows = [written for text in texts for written in (text.encode(errors="replace").decode(), good)]
    batch = pa.RecordBatch.from_pydict({"at": list(range(len(rows))), "features": rows})
    kept, found = features(batch, KINDS, Missing())
    assert len(kept) + found.unreadable == len(rows)
    assert len(found.unknown) <= 2 * CAPACITY
    places = [place for place, at in enumerate(kept["at"].to_pylist()) if at % 2]
    assert len(places) == len(texts)
    read = {name: column.take(places).to_pylist() for name, column in found.columns.items()}
    assert read == {
        "miles": [1.5] * len(texts),
        "hour": [7] * len(texts),
        "company": [b"A"] * len(texts),
    }


@fuzz(150)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_any_text_is_a_score_or_none(texts: list[str]) -> None:
    rows = [text.encode(errors="replace").decode() for text in texts]
    for output in ("p", None):
        found = Form(output=output).read(pa.array([*rows, '{"p": 0.25}']))
        assert found[-1] == 0.25
        assert len(found) == len(texts) + 1
        assert np.all((found >= 0) & (found <= 1) | np.isnan(found))
    classes = Form(Task.MULTICLASS, ("a", "b")).read(pa.array([*rows, '{"p": [0.5, 0.5]}']))
    assert classes.shape == (len(texts) + 1, 2)
    assert classes[-1].tolist() == [0.5, 0.5]


@fuzz(250)
@given(columns=st.dictionaries(st.sampled_from(SCHEMA.names), VALUES, max_size=3))
def test_any_types(tmp_path: Path, columns: dict[str, Any]) -> None:
    arrays: dict[str, Any] = {name: TABLE[name] for name in SCHEMA.names}
    arrays |= {name: pa.array([value] * ROWS) for name, value in columns.items()}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays), sink)
    check(tmp_path, sink.getvalue().to_pybytes())


@fuzz(200)
@given(st.data())
def test_any_damage(tmp_path: Path, data: st.DataObject) -> None:
    sink = pa.BufferOutputStream()
    groups = data.draw(st.sampled_from([3, ROWS]))
    compression = data.draw(st.sampled_from(["none", "snappy", "zstd"]))
    pq.write_table(TABLE, sink, compression=compression, row_group_size=groups)
    check(tmp_path, damaged(data, sink.getvalue().to_pybytes()))


@fuzz(60)
@given(st.binary(max_size=100))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    check(tmp_path, content)
