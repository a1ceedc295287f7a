"""The gate's report on a span: all findings of all splits, and refused rows, in one place."""

from pathlib import Path

import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from evergreen.components.data_gate.anomalies import from_anomalies
from evergreen.components.data_gate.findings import empty_splits, from_rejections
from evergreen.quality.mismatch import Mismatch
from evergreen.runs.reports.data import Finding
from tests.unit.components.data_gate.anomaly_cases import put, sixty
from tests.unit.components.data_gate.gating import Gate, Report, ingested, taxi_schema
from tests.unit.components.rows import write_split

Kind = anomalies_pb2.AnomalyInfo
ROWS = [{"hour": [100]}, {"hour": [-7]}, {"hour": [5]}]


def anomalies(**reasons: list[int]) -> anomalies_pb2.Anomalies:
    found = anomalies_pb2.Anomalies()
    for feature, kinds in reasons.items():
        info = found.anomaly_info[feature]
        info.path.step.append(feature)
        for kind in kinds:
            info.reason.add(type=kind, description=f"{feature} is wrong")
    return found


@pytest.fixture(scope="module")
def schema() -> schema_pb2.Schema:
    schema = schema_pb2.Schema()
    feature = schema.feature.add(name="hour", type=schema_pb2.INT)
    feature.int_domain.min, feature.int_domain.max = 0, 23
    return schema


def test_findings_add_up_the_splits_that_have_the_anomaly(
    tmp_path: Path, schema: schema_pb2.Schema
) -> None:
    write_split(tmp_path, "train", ROWS)
    write_split(tmp_path, "eval", [{"hour": [50]}, {"hour": [3]}, {"hour": [100]}])
    write_split(tmp_path, "test", [{"hour": [4]}])
    found = {
        "train": anomalies(hour=[Kind.INT_TYPE_SMALL_INT, Kind.INT_TYPE_BIG_INT]),
        "eval": anomalies(hour=[Kind.INT_TYPE_BIG_INT]),
        "test": anomalies(),
    }
    findings = from_anomalies(found, tmp_path, schema)
    assert [finding.description for finding in findings] == [
        "expected at most 23; found up to 100, in train and eval",
        "expected at least 0; found down to -7, in train",
    ]
    assert findings == [
        Finding(
            feature="hour",
            kind="INT_TYPE_BIG_INT",
            mismatch=Mismatch(bound=23, found=100),
            splits=["train", "eval"],
            count=3,
            rows=6,
            values=["100", "50"],
            examples=[{"hour": "100"}, {"hour": "50"}, {"hour": "100"}],
        ),
        Finding(
            feature="hour",
            kind="INT_TYPE_SMALL_INT",
            mismatch=Mismatch(bound=0, found=-7),
            splits=["train"],
            count=1,
            rows=3,
            values=["-7"],
            examples=[{"hour": "-7"}],
        ),
    ]
    assert from_anomalies({"test": anomalies()}, tmp_path, schema) == []


def test_an_anomaly_of_the_whole_data_set_is_a_finding(
    tmp_path: Path, schema: schema_pb2.Schema
) -> None:
    write_split(tmp_path, "train", ROWS)
    found = anomalies()
    found.dataset_anomaly_info.reason.add(
        type=Kind.DATASET_LOW_NUM_EXAMPLES, description="too few rows"
    )
    assert from_anomalies({"train": found}, tmp_path, schema) == [
        Finding(feature="", kind="DATASET_LOW_NUM_EXAMPLES", said="too few rows", rows=3)
    ]


def test_an_anomaly_without_words_of_ours_is_told_in_those_of_tfdv(
    tmp_path: Path, schema: schema_pb2.Schema
) -> None:
    write_split(tmp_path, "train", ROWS)
    found = {"train": anomalies(hour=[Kind.FEATURE_TYPE_HIGH_UNIQUE])}
    [finding] = from_anomalies(found, tmp_path, schema)
    assert (finding.description, finding.count) == ("hour is wrong", 3)


def test_a_column_without_name_is_told(tmp_path: Path) -> None:
    """Pandas writes its index that way."""
    report = gated(tmp_path, put("", 7)(sixty()))
    [finding] = report["findings"]
    assert (finding["feature"], finding["kind"]) == ("''", "SCHEMA_NEW_COLUMN")
    assert (finding["count"], finding["values"]) == (3, ["7"])
    assert "pandas' index: write the file with index=False" in finding["description"]


@pytest.mark.parametrize("token", ["NA", "\\N", "-", "null", "?"])
def test_text_that_reads_like_a_missing_value_is_told(tmp_path: Path, token: str) -> None:
    """In a column of text it would become a word of the vocabulary."""
    report = gated(tmp_path, put("company", token, 6)(sixty()))
    [finding] = report["findings"]
    assert (finding["feature"], finding["kind"]) == ("company", "MISSING_IN_WORDS")
    assert (finding["count"], finding["rows"], finding["values"]) == (6, 60, [token])
    assert f"{token!r} is 10 % of the values" in finding["description"]
    assert "data.missing" in finding["description"]
    assert report["blessed"]


def test_text_that_reads_like_a_missing_value_is_not_told_if_it_is_meant(tmp_path: Path) -> None:
    schema = schema_pb2.Schema()
    schema.CopyFrom(taxi_schema())
    [company] = [feature for feature in schema.feature if feature.name == "company"]
    table = put("company", "NA", 6)(sixty())
    company.string_domain.value.extend(set(table["company"].to_pylist()))
    refused = ingested(tmp_path, table)
    assert not Gate(tmp_path, schema, refused).report()["findings"]


def gated(folder: Path, table: pa.Table, rejected_share: float = 0.0) -> Report:
    refused = ingested(folder, table)
    return Gate(folder, taxi_schema(), refused).report(rejected_share)


def test_example_rows_are_the_rows_that_were_delivered(tmp_path: Path) -> None:
    table = sixty()
    [finding] = gated(tmp_path, put("trip_seconds", 1e6)(table))["findings"]
    delivered = {row["trip_id"]: row for row in table.to_pylist()}
    for example in finding["examples"]:
        row = delivered[example["trip_id"]]
        assert example["trip_seconds"] == "1000000"
        assert example["payment_type"] == row["payment_type"]
        assert float(example["fare"]) == row["fare"]
        assert int(example["trip_start_timestamp"]) == row["trip_start_timestamp"]
        assert example["pickup_census_tract"] == "missing"


def test_all_problems_are_in_one_report_with_the_refused_rows(tmp_path: Path) -> None:
    table = sixty()
    fares = pa.array(["far"] * 3 + [str(fare) for fare in table["fare"].to_pylist()[3:]])
    table = table.drop_columns("fare").append_column("fare", fares)
    report = gated(tmp_path, put("tips", -1.0, 10)(table))
    assert {
        (finding["feature"], finding["kind"]): finding["count"] for finding in report["findings"]
    } == {
        ("fare", "ROWS_REFUSED"): 3,
        ("tips", "FLOAT_TYPE_SMALL_FLOAT"): 7,
    }
    assert report["refused_rows"] == 3
    assert not report["blessed"]


@pytest.mark.parametrize(("share", "blessed"), [(0.0, False), (0.04, False), (0.05, True)])
def test_a_share_of_rows_may_be_refused_if_settings_say_so(
    tmp_path: Path, share: float, blessed: bool
) -> None:
    table = sixty()
    fares = pa.array(["far"] * 3 + [str(fare) for fare in table["fare"].to_pylist()[3:]])
    table = table.drop_columns("fare").append_column("fare", fares)
    report = gated(tmp_path, table, rejected_share=share)
    [finding] = report["findings"]
    assert (finding["kind"], finding["count"], finding["refuses"]) == (
        "ROWS_REFUSED",
        3,
        not blessed,
    )
    assert report["blessed"] is blessed


def test_what_no_row_bears_out_is_not_told_beside_what_rows_do(tmp_path: Path) -> None:
    """TFDV finds 0, and so too large a longitude, in a column of which no value is a number."""
    [finding] = gated(tmp_path, put("pickup_longitude", float("nan"), 60)(sixty()))["findings"]
    assert (finding["kind"], finding["count"]) == ("FLOAT_TYPE_HAS_NAN", 60)


def test_refused_rows_are_findings_with_their_places() -> None:
    examples = [{"file": "part.csv", "row": row, "value": "abc" * 40} for row in (2, 5, 6, 9)]
    reason = {"column": "fare", "reason": "is not a number", "count": 40, "examples": examples}
    cut = "abc" * 25 + "ab..."
    [finding] = from_rejections({"rows": 40, "reasons": [reason]}, rows=100)
    assert finding == Finding(
        feature="fare",
        kind="ROWS_REFUSED",
        reason="is not a number",
        count=40,
        rows=100,
        values=[cut],
        examples=[{"file": "part.csv", "row": row, "value": cut} for row in "256"],
    )
    assert finding.description == (
        "the value is not a number: part.csv row 2, part.csv row 5, part.csv row 6, ..."
    )


def test_a_split_without_rows_is_a_finding() -> None:
    [finding] = empty_splits({"train": 3, "eval": 0, "test": 1})
    assert (finding.kind, finding.rows, finding.refuses) == ("SPLIT_EMPTY", 4, True)
    assert "none in eval" in finding.description


def test_a_span_of_which_every_split_is_empty_is_refused(tmp_path: Path) -> None:
    report = gated(tmp_path, sixty().slice(0, 0))
    assert [finding["kind"] for finding in report["findings"]] == ["SPLIT_EMPTY"] * 3
