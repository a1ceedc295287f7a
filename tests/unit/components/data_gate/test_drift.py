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
from tests.unit.components.data_gate.gating import (
    Gate,
    ingested,
    statistics_artifact,
    statistics_of_lists,
    statistics_of_table,
    taxi_schema,
    trips,
)

Dataset = statistics_pb2.DatasetFeatureStatistics
Y2013, Y2014, Y2015, Y2016 = 1_356_998_400, 1_388_534_400, 1_420_070_400, 1_451_606_400


def between(start: int, end: int) -> pa.Table:
    times = trips()[TIMESTAMP_COLUMN]
    return trips().filter(pc.and_(pc.greater_equal(times, start), pc.less(times, end)))


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
        assert (distance["threshold"], distance["exceeded"]) == (pytest.approx(0.03), True)
        assert distance["measure"] == "JENSEN_SHANNON_DIVERGENCE"
    assert len(report["drift"]) == 2 * 15
    assert all(
        drift["exceeded"] == (drift["value"] > drift["threshold"]) for drift in report["drift"]
    )
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
    expected = "expected a Jensen-Shannon divergence of at most 0.03 from"
    assert told[0].startswith(
        f"{expected} the span before; found {hours['previous']['value']:.4g}: the mean went from "
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


def dataset(**columns: list[list[float] | list[bytes] | None]) -> Dataset:
    return statistics_of_lists(columns).datasets[0]


def test_the_value_whose_share_changed_most_is_named() -> None:
    before, now = dataset(colour=COLOURS), dataset(colour=[[b"red"], [b"green"]])
    [drift], [finding] = measure(now, [before], SCHEMA, "previous")
    assert (drift.measure, drift.value, drift.exceeded) == ("L_INFTY", 0.5, True)
    assert finding.values == ("green",)
    assert finding.description == (
        "expected an L-infinity distance of at most 0.2 from the span before; found 0.5: "
        "green went from 0 % to 50 % of the values"
    )


ODD = {
    "no rows": Dataset,
    "absent": lambda: dataset(note=NOTES),
    "all missing": lambda: dataset(miles=[None] * 4, colour=[None] * 4, note=NOTES),
    "empty lists": lambda: dataset(miles=[[]] * 4, colour=[[]] * 4, note=NOTES),
    "another type": lambda: dataset(miles=COLOURS, colour=MILES, note=NOTES),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_a_feature_without_like_values_on_both_sides_has_no_distance(
    odd: Callable[[], Dataset],
) -> None:
    ordinary = dataset(miles=MILES, colour=COLOURS)
    assert measure(ordinary, [odd()], SCHEMA, "previous") == ([], [])
    assert measure(odd(), [ordinary], SCHEMA, "previous") == ([], [])
    drifts, findings = measure(ordinary, [odd(), ordinary], SCHEMA, "window")
    assert {drift.feature: drift.value for drift in drifts} == {"miles": 0, "colour": 0}
    assert findings == []


def test_values_that_are_not_numbers_do_not_stop_it() -> None:
    ordinary, nothing = dataset(miles=MILES), dataset(miles=[[float("nan")]] * 4)
    assert measure(ordinary, [nothing], SCHEMA, "previous") == ([], [])
    [drift], _ = measure(ordinary, [nothing, ordinary], SCHEMA, "window")
    assert 0 < drift.value < 1


def test_the_component_can_be_imported_by_itself() -> None:
    """In a process of its own: TFDV only loads after TFX, which other tests import."""
    command = [sys.executable, "-c", "import evergreen.components.data_gate.component"]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-500:]
