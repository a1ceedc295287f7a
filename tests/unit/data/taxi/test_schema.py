"""The curated schema accepts the real data and notices what is wrong with other data.

The only module here that needs TensorFlow, because it asks TFDV itself.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import tfx  # noqa: F401 - before TFDV, for which it stands in a module that tfx-bsl dropped
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

import tensorflow_data_validation as tfdv  # isort: skip

from data.taxi import KEY_COLUMN, SCHEMA_PATH, TIMESTAMP_COLUMN
from data.taxi.source import SOURCE_SCHEMA, read_source, sample_path
from evergreen.components.data_gate.drift import measure
from evergreen.components.statistics_gen import compute
from evergreen.spans import Period, add_row_keys

Statistics = statistics_pb2.DatasetFeatureStatisticsList
Change = Callable[[pa.Table], pa.Table]
EXAMPLE_TYPES = {pa.float64(): pa.float32(), pa.string(): pa.binary()}


def to_lists(column: pa.Array) -> pa.ListArray:
    """Returns the column as `tf.Example` holds it: a list of one value, or null."""
    values = column.cast(EXAMPLE_TYPES.get(column.type, column.type))
    valid = values.is_valid().to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(valid)]).astype(np.int32)
    offsets = pa.array(ends, mask=np.append(~valid, False))
    return pa.ListArray.from_arrays(offsets, values.drop_null())


def statistics(trips: pa.Table) -> Statistics:
    columns = [to_lists(column.combine_chunks()) for column in trips.columns]
    batch = pa.RecordBatch.from_arrays(columns, trips.column_names)
    return compute([batch])


@pytest.fixture(scope="module")
def schema() -> schema_pb2.Schema:
    return text_format.Parse(SCHEMA_PATH.read_text(), schema_pb2.Schema())


@pytest.fixture(scope="module")
def trips() -> pa.Table:
    return add_row_keys(read_source(sample_path()), KEY_COLUMN)


@pytest.fixture(scope="module")
def cuts(trips: pa.Table) -> dict[Period, list[Statistics]]:
    """The statistics of each year and each quarter."""

    def cut(period: Period) -> list[Statistics]:
        ordinals = period.ordinals(trips[TIMESTAMP_COLUMN])
        return [statistics(trips.filter(pa.array(ordinals == n))) for n in np.unique(ordinals)]

    return {period: cut(period) for period in (Period.YEAR, Period.QUARTER)}


def anomalies(found: anomalies_pb2.Anomalies) -> dict[str, set[str]]:
    kinds = anomalies_pb2.AnomalyInfo.Type.Name
    return {
        name: {kinds(reason.type) for reason in info.reason}
        for name, info in found.anomaly_info.items()
    }


def test_the_schema_describes_the_columns_of_the_source(schema: schema_pb2.Schema) -> None:
    kinds = {pa.float64(): "FLOAT", pa.int64(): "INT", pa.string(): "BYTES"}
    described = {f.name: schema_pb2.FeatureType.Name(f.type) for f in schema.feature}
    assert described.pop(KEY_COLUMN) == "BYTES"
    assert described == {field.name: kinds[field.type] for field in SOURCE_SCHEMA}


def test_a_request_needs_neither_key_nor_label(schema: schema_pb2.Schema, trips: pa.Table) -> None:
    request = statistics(trips.slice(0, 500).drop_columns([KEY_COLUMN, "tips"]))
    assert not tfdv.validate_statistics(request, schema, environment="SERVING").anomaly_info
    found = anomalies(tfdv.validate_statistics(request, schema, environment="TRAINING"))
    assert set(found) == {KEY_COLUMN, "tips"}


def drifted(now: Statistics, before: list[Statistics], schema: schema_pb2.Schema) -> set[str]:
    earlier = {"window": [part.datasets[0] for part in before]}
    _, findings = measure(now.datasets[0], earlier, schema)
    return {finding.feature for finding in findings}


@pytest.mark.parametrize("period", [Period.YEAR, Period.QUARTER])
def test_real_periods_have_no_anomaly_and_only_ordinary_drift(
    schema: schema_pb2.Schema, cuts: dict[Period, list[Statistics]], period: Period
) -> None:
    for number, current in enumerate(cuts[period]):
        assert anomalies(tfdv.validate_statistics(current, schema)) == {}
        for window in (1, 4):
            before = cuts[period][max(number - window, 0) : number]
            assert drifted(current, before, schema) == set()


def test_three_years_of_drift_are_noticed(
    schema: schema_pb2.Schema, cuts: dict[Period, list[Statistics]]
) -> None:
    first, *_, last = cuts[Period.YEAR]
    assert "payment_type" in drifted(last, [first], schema)


def rename(old: str, new: str) -> Change:
    return lambda t: t.rename_columns([new if n == old else n for n in t.column_names])


def replace(name: str, value: object, rows: slice = slice(0, 5)) -> Change:
    """Puts a value, or null, into some rows of a column."""

    def change(trips: pa.Table) -> pa.Table:
        mask = np.zeros(trips.num_rows, bool)
        mask[rows] = True
        index = trips.column_names.index(name)
        new = pc.if_else(pa.array(mask), pa.scalar(value, trips[name].type), trips[name])
        return trips.set_column(index, name, new)

    return change


def as_text(name: str) -> Change:
    return lambda t: t.set_column(t.column_names.index(name), name, t[name].cast(pa.string()))


@pytest.mark.parametrize(
    ("change", "name", "kind"),
    [
        (rename("fare", "Fare"), "fare", "SCHEMA_MISSING_COLUMN"),
        (rename("fare", "Fare"), "Fare", "SCHEMA_NEW_COLUMN"),
        (replace("payment_type", "Barter"), "payment_type", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"),
        (as_text("trip_miles"), "trip_miles", "UNEXPECTED_DATA_TYPE"),
        (replace("trip_start_month", 13), "trip_start_month", "INT_TYPE_BIG_INT"),
        (replace("trip_start_day", 0), "trip_start_day", "INT_TYPE_SMALL_INT"),
        (replace("trip_start_hour", 24), "trip_start_hour", "INT_TYPE_BIG_INT"),
        (replace("pickup_community_area", 78), "pickup_community_area", "INT_TYPE_BIG_INT"),
        (replace("fare", -1.0), "fare", "FLOAT_TYPE_SMALL_FLOAT"),
        (replace("fare", float("nan")), "fare", "FLOAT_TYPE_HAS_NAN"),
        (replace("trip_seconds", 1e6), "trip_seconds", "FLOAT_TYPE_BIG_FLOAT"),
        (replace("pickup_latitude", 48.8), "pickup_latitude", "FLOAT_TYPE_BIG_FLOAT"),
        (replace("trip_id", None), "trip_id", "FEATURE_TYPE_LOW_FRACTION_PRESENT"),
        (replace("tips", None), "tips", "FEATURE_TYPE_LOW_FRACTION_PRESENT"),
        (
            replace("pickup_latitude", None, slice(0, 500)),
            "pickup_latitude",
            "FEATURE_TYPE_LOW_FRACTION_PRESENT",
        ),
        (
            replace(TIMESTAMP_COLUMN, 1_400_269_500_000),
            TIMESTAMP_COLUMN,
            "INT_TYPE_BIG_INT",
        ),
    ],
)
def test_what_is_wrong_with_a_span_is_found(
    schema: schema_pb2.Schema, trips: pa.Table, change: Change, name: str, kind: str
) -> None:
    found = tfdv.validate_statistics(statistics(change(trips.slice(0, 2000))), schema)
    assert kind in anomalies(found)[name]


def test_an_unknown_company_is_no_anomaly(schema: schema_pb2.Schema, trips: pa.Table) -> None:
    changed = replace("company", "Brand New Cabs")(trips.slice(0, 2000))
    assert not tfdv.validate_statistics(statistics(changed), schema).anomaly_info
