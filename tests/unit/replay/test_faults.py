"""Injected faults are like real ones, and change nothing else."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.errors import DataError
from evergreen.replay.faults import FLIPPED, Columns, Fault, of_data, of_labels, of_traffic

ROWS = pa.table({"fare": [5.0, 7.5], "trip_miles": [1.0, None], "company": ["a", "b"]})
EMPTY = [None, None]


@pytest.mark.parametrize(
    ("fault", "traffic", "data"),
    [
        (None, {}, {}),
        (Fault.LABEL, {}, {}),
        (Fault.UNIT, {"trip_miles": [1.609344, None]}, {"trip_miles": [1.609344, None]}),
        (Fault.UPSTREAM, {"company": EMPTY}, {"company": EMPTY}),
        (Fault.SCHEMA, {}, {"fare_usd": [5.0, 7.5]}),
    ],
)
def test_a_fault_changes_its_column_alone(
    fault: Fault | None, traffic: dict[str, list], data: dict[str, list]
) -> None:
    played = of_traffic(fault, ROWS, Columns())
    assert played.to_pydict() == ROWS.to_pydict() | traffic
    assert played.schema.types == ROWS.schema.types
    landed = of_data(fault, ROWS, Columns()).to_pydict()
    kept = {name: values for name, values in ROWS.to_pydict().items() if name in landed}
    assert landed == kept | data
    assert len(landed) == ROWS.num_columns


def test_wrong_labels_are_as_many_as_said_and_the_same_ones_each_time() -> None:
    labels = np.repeat([0.0, 1.0], 5000)
    found = of_labels(Fault.LABEL, labels)
    assert np.mean(found != labels) == pytest.approx(FLIPPED, abs=0.02)
    assert set(found) == {0.0, 1.0}
    np.testing.assert_array_equal(of_labels(Fault.LABEL, labels), found)
    for fault in (None, Fault.UNIT, Fault.SCHEMA, Fault.UPSTREAM):
        np.testing.assert_array_equal(of_labels(fault, labels), labels)


@pytest.mark.parametrize("fault", [Fault.UNIT, Fault.UPSTREAM, Fault.SCHEMA])
def test_a_fault_of_a_column_that_is_not_there_is_named(fault: Fault) -> None:
    change = of_data if fault is Fault.SCHEMA else of_traffic
    with pytest.raises(DataError, match=f"--fault {fault}: the rows have no column") as error:
        change(fault, pa.table({"amount": [1]}), Columns())
    assert error.value.hint.endswith("amount.")


def test_kilometres_of_whole_miles_are_cut_off() -> None:
    rows = pa.table({"trip_miles": pa.array([1, 10, None], pa.int64())})
    found = of_traffic(Fault.UNIT, rows, Columns()).column("trip_miles")
    assert found.to_pylist() == [1, 16, None]
