"""Drift from the span before and from the window: measured, told, and no reason to refuse."""

import subprocess
import sys
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.types import standard_artifacts

from data.taxi import TIMESTAMP_COLUMN
from evergreen.components.data_gate.drift import measure
from evergreen.runs.reports.data import Against
from tests.unit.components.data_gate.gating import (
    Gate,
    Report,
    ingested,
    statistics_artifact,
    statistics_of_lists,
    statistics_of_table,
    taxi_schema,
    trips,
)

from tensorflow_data_validation.statistics import stats_impl  # isort: skip

Dataset = statistics_pb2.DatasetFeatureStatistics
Y2013, Y2014, Y2015, Y2016 = 1_356_998_400, 1_388_534_400, 1_420_070_400, 1_451_606_400


def between(start: int, end: int) -> pa.Table:
    times = trips()[TIMESTAMP_COLUMN]
    return trips().filter(pc.and_(pc.greater_equal(times, start), pc.less(times, end)))


def told_of(drift: Report) -> str:
    low, high = drift["interval"]
    return f"{drift['value']:.4g} ({low:.4g} to {high:.4g})"


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """The gate on evening trips of 2015."""
    folder = tmp_path_factory.mktemp("evening")
    table = between(Y2015, Y2016)
    ingested(folder, table.filter(pc.greater_equal(table["trip_start_hour"], 18)))
    return Gate(folder, taxi_schema())


@pytest.fixture(scope="module")
def earlier(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[int, standard_artifacts.ExampleStatistics]:
    """Statistics artifacts of earlier years."""
    years = {2013: (Y2013, Y2014), 2014: (Y2014, Y2015)}
    folder = tmp_path_factory.mktemp("earlier")
    return {
        year: statistics_artifact(
            folder / str(year), {"train": statistics_of_table(between(*limits))}, id_=year
        )
        for year, limits in years.items()
    }


def test_drift_from_the_span_before_and_from_the_window_is_told_and_refuses_nothing(
    evening: Gate, earlier: dict[int, standard_artifacts.ExampleStatistics]
) -> None:
    report = evening.report(previous_statistics=earlier[2014], window_statistics=[earlier[2013]])
    hours = {
        drift["against"]: drift
        for drift in report["drift"]
        if drift["feature"] == "trip_start_hour"
    }
    assert set(hours) == {"previous", "window"}
    for distance in hours.values():
        assert (distance["threshold"], distance["exceeded"]) == (pytest.approx(0.01), True)
        assert distance["measure"] == "JENSEN_SHANNON_DIVERGENCE"
    assert len(report["drift"]) == 2 * 15
    for drift in report["drift"]:
        low, high = drift["interval"]
        assert low <= drift["value"] <= high
        assert drift["exceeded"] == (low > drift["threshold"])
    assert report["blessed"]
    beyond = {
        (drift["feature"], drift["against"]) for drift in report["drift"] if drift["exceeded"]
    }
    assert len(report["findings"]) == len(beyond)
    assert {(finding["kind"], finding["refuses"]) for finding in report["findings"]} == {
        ("DRIFT", False)
    }
    told = [
        finding["description"]
        for finding in report["findings"]
        if finding["feature"] == "trip_start_hour"
    ]
    expected = "expected a Jensen-Shannon divergence of at most 0.01 from"
    assert told[0].startswith(
        f"{expected} the span before; found {told_of(hours['previous'])}: the mean went from "
    )
    assert told[1].startswith(f"{expected} the earlier spans of the window; found ")
    properties = ("blessed", "findings", "drifted")
    assert [evening.blessing.get_int_custom_property(name) for name in properties] == [
        1,
        0,
        len({feature for feature, _ in beyond}),
    ]


@pytest.mark.parametrize(
    ("previous", "window", "measured"),
    [
        (None, [], set()),
        (2014, [], {"previous"}),
        (2014, [2013], {"previous", "window"}),
        (None, [2013], {"window"}),
    ],
)
def test_what_is_compared(
    evening: Gate,
    earlier: dict[int, standard_artifacts.ExampleStatistics],
    previous: int | None,
    window: list[int],
    measured: set[str],
) -> None:
    report = evening.report(
        previous_statistics=earlier.get(previous),
        window_statistics=[earlier[year] for year in window],
    )
    assert {drift["against"] for drift in report["drift"]} == measured


def times(table: pa.Table, **factors: float) -> pa.Table:
    for name, factor in factors.items():
        column = pc.multiply(pc.cast(table[name], pa.float64()), factor)
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


def test_other_units_are_beyond_the_limits_of_the_taxi() -> None:
    """Miles times 3 and fares times 2; the same trips as they are stay within."""
    years = [(Y2013, Y2014), (Y2014, Y2015), (Y2015, Y2016)]
    *before, now = [between(*year) for year in years]
    spans = [statistics_of_table(span).datasets[0] for span in before]
    earlier = {"previous": spans[-1:], "window": spans}
    wrong = times(now, trip_miles=3.0, fare=2.0)
    for table, expected in ((now, set()), (wrong, {"trip_miles", "fare"})):
        current = statistics_of_table(table).datasets[0]
        drifts, findings = measure(current, earlier, taxi_schema())
        for against in earlier:
            beyond = {
                drift.feature for drift in drifts if drift.exceeded and drift.against == against
            }
            assert beyond == expected
        assert len(findings) == 2 * len(expected)


SCHEMA = text_format.Parse(
    """
    feature { name: "miles" type: FLOAT
              drift_comparator { jensen_shannon_divergence { threshold: 0.2 } } }
    feature { name: "colour" type: BYTES drift_comparator { infinity_norm { threshold: 0.2 } } }
    feature { name: "note" type: BYTES }
    """,
    schema_pb2.Schema(),
)
MILES, COLOURS = [[1.0], [2.0], [5.0], [9.0]], [[b"red"], [b"red"], [b"red"], [b"blue"]]
NOTES = [[b"any"]] * 4
ABSENT: list[None] = [None] * 4


def dataset(**columns: list[list[float] | list[bytes] | None]) -> Dataset:
    return statistics_of_lists(columns).datasets[0]


def against(before: Dataset, *others: Dataset) -> dict[Against, list[Dataset]]:
    return {"window": [before, *others]}


def test_the_value_whose_share_changed_most_is_named() -> None:
    before, now = dataset(colour=COLOURS * 50), dataset(colour=[[b"red"], [b"green"]] * 100)
    [drift], [finding] = measure(now, against(before), SCHEMA)
    assert (drift.measure, drift.value, drift.exceeded) == ("L_INFTY", 0.5, True)
    assert finding.values == ("green",)
    low, high = drift.interval
    assert finding.description == (
        "expected an L-infinity distance of at most 0.2 from the earlier spans of the window; "
        f"found 0.5 ({low:.4g} to {high:.4g}): green went from 0 % to 50 % of the values"
    )


def test_a_few_rows_are_not_surely_beyond() -> None:
    before, now = dataset(colour=COLOURS), dataset(colour=[[b"red"], [b"green"]])
    [drift], findings = measure(now, against(before), SCHEMA)
    assert (drift.value, drift.exceeded, findings) == (0.5, False, [])


def test_values_that_go_missing_are_drift() -> None:
    ordinary = dataset(miles=MILES * 50, colour=COLOURS * 50)
    gone = dataset(miles=ABSENT * 50, colour=ABSENT * 50, note=NOTES * 50)
    drifts, findings = measure(gone, against(ordinary), SCHEMA)
    values = {drift.feature: drift.value for drift in drifts}
    assert values == pytest.approx({"miles": 1, "colour": 1})
    assert [finding.values for finding in findings] == [("(missing)",)] * 2


ODD = {
    "no rows": Dataset,
    "absent": lambda: dataset(note=NOTES),
    "another type": lambda: dataset(miles=COLOURS, colour=MILES, note=NOTES),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_a_feature_without_like_values_on_both_sides_has_no_distance(
    odd: Callable[[], Dataset],
) -> None:
    ordinary = dataset(miles=MILES, colour=COLOURS)
    assert measure(ordinary, against(odd()), SCHEMA) == ([], [])
    assert measure(odd(), against(ordinary), SCHEMA) == ([], [])
    drifts, findings = measure(ordinary, against(odd(), ordinary), SCHEMA)
    assert {drift.feature: drift.value for drift in drifts} == {"miles": 0, "colour": 0}
    assert findings == []


def test_numbers_of_version_0_1_0_have_too_few_quantiles() -> None:
    """It kept TFDV's ten."""
    batch = pa.RecordBatch.from_pydict({"miles": MILES * 50, "colour": COLOURS * 50})
    earlier = stats_impl.generate_statistics_in_memory(batch).datasets[0]
    now = dataset(miles=MILES * 50, colour=COLOURS * 50)
    drifts, _ = measure(now, against(earlier), SCHEMA)
    assert [drift.feature for drift in drifts] == ["colour"]


def test_values_that_are_not_numbers_do_not_stop_it() -> None:
    ordinary, nothing = dataset(miles=MILES), dataset(miles=[[float("nan")]] * 4)
    assert measure(ordinary, against(nothing), SCHEMA) == ([], [])
    [drift], _ = measure(ordinary, against(nothing, ordinary), SCHEMA)
    assert 0 < drift.value < 1


def test_the_component_can_be_imported_by_itself() -> None:
    """In a process of its own: TFDV only loads after TFX, which other tests import."""
    command = [sys.executable, "-c", "import evergreen.components.data_gate.component"]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-500:]
