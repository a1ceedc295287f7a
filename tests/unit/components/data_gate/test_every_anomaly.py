"""Every kind of anomaly that the taxi schema can lead to: what is said, counted and shown of it.

Each case spoils the first of sixty real trips, or all of them, and takes them the whole way:
examples, statistics, validation, gate.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.unit.components.data_gate.anomaly_cases import CASES, ROWS, Case, sixty, spoilt_lists
from tests.unit.components.data_gate.gating import (
    SPLITS,
    Gate,
    ingested,
    kinds_of,
    taxi_schema,
    written,
)
from tests.unit.components.rows import read_split

NOT_OF_VALUES = {"name", "type", "drift_comparator", "skew_comparator", "not_in_environment"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.feature}-{case.kind}")
def test_an_anomaly_is_told_with_expectation_observation_count_and_rows(
    tmp_path: Path, case: Case
) -> None:
    trips = sixty()
    ingested(tmp_path, case.in_file(trips))
    if case.in_examples is not None:
        rows = {split: read_split(tmp_path / "examples", split) for split in SPLITS}
        (tmp_path / "examples").rename(tmp_path / "before")
        written(tmp_path, {split: case.in_examples(of_split) for split, of_split in rows.items()})
    report = Gate(tmp_path, taxi_schema()).report()
    [finding] = [
        finding
        for finding in report["findings"]
        if (finding["feature"], finding["kind"]) == (case.feature, case.kind)
    ]
    assert not report["blessed"]
    assert finding["refuses"]
    assert finding["description"] == case.said
    assert finding["count"] == case.rows
    assert case.rows <= finding["rows"] <= ROWS
    assert finding["values"] == case.shown
    assert len(finding["examples"]) == 3
    spoilt = set(trips["trip_id"].to_pylist()[: case.rows])
    for example in finding["examples"]:
        assert next(iter(example)) == case.feature
        assert case.feature == "trip_id" or example["trip_id"] in spoilt
        assert case.shown == [] or example[case.feature] in [*case.shown, case.cell]
        assert {name for name in trips.column_names if trips[name].null_count < ROWS} <= set(
            example
        )


def test_no_row_is_spoilt_without_a_case(tmp_path: Path) -> None:
    ingested(tmp_path, sixty())
    assert Gate(tmp_path, taxi_schema()).report()["findings"] == []


def test_each_constraint_of_the_schema_has_a_case() -> None:
    """A constraint that is new to the schema fails here until there is a case for it."""
    assert {case.violates for case in CASES} == {"columns", *constraints(taxi_schema())}


def constraints(schema: schema_pb2.Schema) -> Iterator[str]:
    for feature in schema.feature:
        yield f"type {schema_pb2.FeatureType.Name(feature.type)}"
        for item, value in feature.ListFields():
            if item.name in ("presence", "value_count", "int_domain", "float_domain"):
                yield from (f"{item.name}.{part.name}" for part, _ in value.ListFields())
            elif item.name not in NOT_OF_VALUES:
                yield item.name


@pytest.mark.parametrize("feature", taxi_schema().feature, ids=lambda feature: feature.name)
def test_tfdv_knows_no_other_anomaly_of_this_schema(feature: schema_pb2.Feature) -> None:
    """Whatever is done to a feature, TFDV calls it by one of the names that have a case."""
    schema = schema_pb2.Schema(feature=[feature], string_domain=taxi_schema().string_domain)
    known = {case.kind for case in CASES}
    for lists in spoilt_lists(feature):
        assert kinds_of(feature.name, lists, schema) <= known
