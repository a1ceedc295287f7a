"""The data gate's numbers: how many rows, of how many, and which values."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import tfx  # noqa: F401 - before TFDV, for which it stands in a module that tfx-bsl dropped
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from evergreen.components.data_gate import counting
from evergreen.components.data_gate.counting import count_rows
from evergreen.components.data_gate.findings import (
    Drift,
    Finding,
    drifts,
    empty_splits,
    from_anomalies,
    from_rejections,
)
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
    {"hour": [100], "fare": [9.5], "payment": [b"Cash"]},
    {"hour": [-7], "payment": [b"\xff"], "colour": [b"red"]},
]


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_split(tmp_path_factory.mktemp("examples"), "train", ROWS)


@pytest.mark.parametrize("batch_rows", [2, 1000])
@pytest.mark.parametrize(
    ("feature", "kind", "count", "values"),
    [
        ("gone", Kind.SCHEMA_MISSING_COLUMN, 6, []),
        ("payment", Kind.FEATURE_TYPE_LOW_FRACTION_PRESENT, 1, []),
        ("colour", Kind.FEATURE_TYPE_LOW_NUMBER_PRESENT, 4, []),
        ("gone", Kind.FEATURE_TYPE_NOT_PRESENT, 6, []),
        ("new", Kind.SCHEMA_NEW_COLUMN, 1, ["7"]),
        ("payment", Kind.ENUM_TYPE_UNEXPECTED_STRING_VALUES, 2, ["Cash", "Coin", "\\xff"]),
        ("colour", Kind.ENUM_TYPE_UNEXPECTED_STRING_VALUES, 1, ["blue"]),
        ("hour", Kind.INT_TYPE_SMALL_INT, 1, ["-7"]),
        ("hour", Kind.INT_TYPE_BIG_INT, 1, ["100"]),
        ("fare", Kind.FLOAT_TYPE_SMALL_FLOAT, 1, ["-5.0"]),
        ("fare", Kind.FLOAT_TYPE_BIG_FLOAT, 2, ["inf", "9.5"]),
        ("fare", Kind.FLOAT_TYPE_HAS_NAN, 1, ["nan"]),
        ("fare", Kind.FLOAT_TYPE_HAS_INF, 1, ["inf"]),
        ("fare", Kind.UNEXPECTED_DATA_TYPE, 5, ["1.0", "nan", "inf", "-5.0", "9.5"]),
        ("", Kind.DATASET_LOW_NUM_EXAMPLES, 0, []),
    ],
)
def test_the_rows_behind_an_anomaly_are_counted(
    split: Path,
    monkeypatch: pytest.MonkeyPatch,
    batch_rows: int,
    feature: str,
    kind: int,
    count: int,
    values: list[str],
) -> None:
    monkeypatch.setattr(counting, "BATCH_ROWS", batch_rows)
    assert count_rows(split, SCHEMA, feature, kind) == (count, 6, values)


@pytest.mark.parametrize(
    ("feature", "kind", "count"),
    [
        ("hour", Kind.FEATURE_TYPE_HIGH_NUMBER_VALUES, 1),
        ("hour", Kind.FEATURE_TYPE_LOW_NUMBER_VALUES, 1),
        ("payment", Kind.FEATURE_TYPE_HIGH_NUMBER_VALUES, 1),
        ("tags", Kind.FEATURE_TYPE_LOW_NUMBER_VALUES, 1),
        # As TFDV has it, a feature with an empty list is present.
        ("hour", Kind.FEATURE_TYPE_LOW_FRACTION_PRESENT, 1),
    ],
)
def test_rows_with_too_many_or_too_few_values_are_counted_and_those_without_are_not(
    split: Path, feature: str, kind: int, count: int
) -> None:
    assert count_rows(split, SCHEMA, feature, kind)[:2] == (count, 6)


def test_an_empty_split_has_no_rows(tmp_path: Path) -> None:
    empty = write_split(tmp_path, "test", [])
    assert count_rows(empty, SCHEMA, "gone", Kind.SCHEMA_MISSING_COLUMN) == (0, 0, [])


def anomalies(**reasons: list[int]) -> anomalies_pb2.Anomalies:
    found = anomalies_pb2.Anomalies()
    for feature, kinds in reasons.items():
        info = found.anomaly_info[feature]
        info.path.step.append(feature)
        for kind in kinds:
            info.reason.add(type=kind, description=f"{feature} is wrong")
    return found


def test_findings_add_up_the_splits_that_have_the_anomaly(tmp_path: Path) -> None:
    write_split(tmp_path, "train", ROWS)
    write_split(tmp_path, "eval", [{"hour": [50]}, {"hour": [3]}, {"hour": [100]}])
    write_split(tmp_path, "test", [{"hour": [4]}])
    found = {
        "train": anomalies(hour=[Kind.INT_TYPE_SMALL_INT, Kind.INT_TYPE_BIG_INT]),
        "eval": anomalies(hour=[Kind.INT_TYPE_BIG_INT], gone=[Kind.SCHEMA_MISSING_COLUMN]),
        "test": anomalies(),
    }
    wrong = "hour is wrong"
    assert from_anomalies(found, tmp_path, SCHEMA) == [
        Finding(
            feature="gone",
            kind="SCHEMA_MISSING_COLUMN",
            description="gone is wrong",
            count=3,
            rows=3,
        ),
        Finding(
            feature="hour",
            kind="INT_TYPE_BIG_INT",
            description=wrong,
            count=3,
            rows=9,
            values=["100", "50"],
        ),
        Finding(
            feature="hour",
            kind="INT_TYPE_SMALL_INT",
            description=wrong,
            count=1,
            rows=6,
            values=["-7"],
        ),
    ]
    assert from_anomalies({"test": anomalies()}, tmp_path, SCHEMA) == []


def test_an_anomaly_of_the_whole_data_set_is_a_finding(tmp_path: Path) -> None:
    write_split(tmp_path, "train", ROWS)
    found = anomalies()
    found.dataset_anomaly_info.reason.add(
        type=Kind.DATASET_LOW_NUM_EXAMPLES, description="too few rows"
    )
    [finding] = from_anomalies({"train": found}, tmp_path, SCHEMA)
    assert (finding.feature, finding.kind, finding.description, finding.rows) == (
        "",
        "DATASET_LOW_NUM_EXAMPLES",
        "too few rows",
        6,
    )


def test_refused_rows_are_findings_with_their_places() -> None:
    examples = [{"file": "part.csv", "row": row, "value": "abc"} for row in (2, 5, 6, 9)]
    reason = {"column": "fare", "reason": "is not a number", "count": 40, "examples": examples}
    assert from_rejections({"rows": 40, "reasons": [reason]}, rows=100) == [
        Finding(
            feature="fare",
            kind="ROWS_REFUSED",
            description="the value is not a number: part.csv row 2, part.csv row 5, "
            "part.csv row 6, ...",
            count=40,
            rows=100,
            values=["abc"],
        )
    ]


def test_measured_distances_are_drifts() -> None:
    info = """
        path { step: "fare" }
        drift_measurements { type: JENSEN_SHANNON_DIVERGENCE value: 0.5 threshold: 0.25 }
    """
    found = anomalies_pb2.Anomalies()
    text_format.Parse(info, found.drift_skew_info.add())
    [drift] = drifts(found)
    expected = Drift(feature="fare", measure="JENSEN_SHANNON_DIVERGENCE", value=0.5, threshold=0.25)
    assert drift == expected


def test_the_component_can_be_imported_by_itself() -> None:
    """In a process of its own: TFDV only loads after TFX, which other tests import."""
    command = [sys.executable, "-c", "import evergreen.components.data_gate.component"]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-500:]


def test_a_split_without_rows_is_a_finding() -> None:
    [finding] = empty_splits({"train": 3, "eval": 0, "test": 1})
    assert (finding.kind, finding.rows) == ("SPLIT_EMPTY", 4)
    assert "eval" in finding.description
