"""The rows behind an anomaly: how many, of how many, which values, and a few whole rows."""

import math
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from evergreen.quality import tallies as counting
from evergreen.quality.tallies import Anomaly, Tally, count_rows
from tests.unit.components.rows import write_split

Kind = anomalies_pb2.AnomalyInfo
SCHEMA = text_format.Parse(
    """
    feature { name: "hour" type: INT value_count { min: 1 max: 1 } int_domain { min: 0 max: 23 } }
    feature { name: "fare" type: FLOAT float_domain { min: 0 max: 9 } }
    feature { name: "payment" type: BYTES domain: "payments" value_count { min: 1 max: 1 } }
    feature { name: "colour" type: BYTES string_domain { value: "red" } }
    feature { name: "tags" type: INT value_count { min: 2 } }
    feature { name: "gone" type: INT }
    string_domain { name: "payments" value: "Cash" value: "Card" }
    """,
    schema_pb2.Schema(),
)
ROWS = [
    {"hour": [1], "fare": [1.0], "payment": [b"Cash"], "tags": [1, 2]},
    {"hour": [1, 2], "fare": [math.nan], "payment": [b"Card"], "tags": [1]},
    {"fare": [math.inf], "payment": [b"Cash", b"Coin"], "tags": [1, 2, 3]},
    {"hour": [], "fare": [-5.0], "new": [7], "colour": [b"blue"]},
    {"hour": [100], "fare": [9.7], "payment": [b"Cash"]},
    {"hour": [-7], "payment": [b"\xff"], "colour": [b"red"], "note": [b"12", b"x"]},
]


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_split(tmp_path_factory.mktemp("examples"), "train", ROWS)


def tally(split: Path, column: str | None, kind: int) -> Tally:
    found = Tally()
    count_rows(split, SCHEMA, {Anomaly(column, kind): found})
    return found


@pytest.mark.parametrize("batch_rows", [2, 1000])
@pytest.mark.parametrize(
    ("column", "kind", "count", "values"),
    [
        ("gone", Kind.SCHEMA_MISSING_COLUMN, 6, []),
        ("payment", Kind.FEATURE_TYPE_LOW_FRACTION_PRESENT, 1, []),
        ("colour", Kind.FEATURE_TYPE_LOW_NUMBER_PRESENT, 4, []),
        ("gone", Kind.FEATURE_TYPE_NOT_PRESENT, 6, []),
        ("new", Kind.SCHEMA_NEW_COLUMN, 1, ["7"]),
        ("payment", Kind.ENUM_TYPE_UNEXPECTED_STRING_VALUES, 2, ["Coin", "\\xff"]),
        ("payment", Kind.ENUM_TYPE_INVALID_UTF8, 1, ["\\xff"]),
        ("colour", Kind.ENUM_TYPE_UNEXPECTED_STRING_VALUES, 1, ["blue"]),
        ("hour", Kind.INT_TYPE_SMALL_INT, 1, ["-7"]),
        ("hour", Kind.INT_TYPE_BIG_INT, 1, ["100"]),
        ("fare", Kind.FLOAT_TYPE_SMALL_FLOAT, 1, ["-5"]),
        ("fare", Kind.FLOAT_TYPE_BIG_FLOAT, 2, ["inf", "9.7"]),
        ("fare", Kind.FLOAT_TYPE_HAS_NAN, 1, ["nan"]),
        ("fare", Kind.FLOAT_TYPE_HAS_INF, 1, ["inf"]),
        ("fare", Kind.UNEXPECTED_DATA_TYPE, 5, ["1", "nan", "inf", "-5", "9.7"]),
        ("note", Kind.INT_TYPE_NOT_INT_STRING, 1, ["x"]),
        ("hour", Kind.FEATURE_TYPE_HIGH_NUMBER_VALUES, 1, ["1", "2"]),
        ("hour", Kind.FEATURE_TYPE_LOW_NUMBER_VALUES, 1, []),
        ("tags", Kind.FEATURE_TYPE_LOW_NUMBER_VALUES, 1, ["1"]),
        # As TFDV has it, a feature with an empty list is present.
        ("hour", Kind.FEATURE_TYPE_LOW_FRACTION_PRESENT, 1, []),
        (None, Kind.DATASET_LOW_NUM_EXAMPLES, 0, []),
    ],
)
def test_the_rows_behind_an_anomaly_are_counted(
    split: Path,
    monkeypatch: pytest.MonkeyPatch,
    batch_rows: int,
    column: str | None,
    kind: int,
    count: int,
    values: list[str],
) -> None:
    monkeypatch.setattr(counting, "BATCH_ROWS", batch_rows)
    found = tally(split, column, kind)
    assert (found.count, found.rows, found.values) == (count, 6, values)
    assert len(found.examples) == min(count, 3)


def test_several_anomalies_are_counted_in_one_pass(
    split: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "BATCH_ROWS", 2)
    small = Anomaly("hour", Kind.INT_TYPE_SMALL_INT)
    big = Anomaly("fare", Kind.FLOAT_TYPE_BIG_FLOAT)
    tallies = {small: Tally(), big: Tally()}
    count_rows(split, SCHEMA, tallies)
    assert (tallies[small].count, tallies[small].smallest) == (1, -7)
    assert (tallies[big].count, tallies[big].largest) == (2, math.inf)


def test_whole_rows_are_shown(split: Path) -> None:
    [row] = tally(split, "hour", Kind.INT_TYPE_SMALL_INT).examples
    shown = {name: text for name, text in row.items() if text != "missing"}
    assert shown == {"hour": "-7", "payment": "\\xff", "colour": "red", "note": "[12, x]"}
    assert row["fare"] == "missing"


def test_what_is_shown_is_short(tmp_path: Path) -> None:
    texts = [b"%d" % number * 1000 for number in range(9)]
    rows = [{"payment": [text], "tags": list(range(100_000))} for text in texts]
    split = write_split(tmp_path, "train", rows)
    found = tally(split, "payment", Kind.ENUM_TYPE_UNEXPECTED_STRING_VALUES)
    assert (found.count, len(found.values), len(found.examples)) == (9, 5, 3)
    cells = [text for row in found.examples for text in row.values()]
    assert max(map(len, [*cells, *found.values])) == 80


def test_an_empty_split_has_no_rows(tmp_path: Path) -> None:
    empty = write_split(tmp_path, "test", [])
    found = tally(empty, "gone", Kind.SCHEMA_MISSING_COLUMN)
    assert (found.count, found.rows, found.values, found.examples) == (0, 0, [], [])
