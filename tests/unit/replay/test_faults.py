"""Injected faults are like real ones, and change nothing else."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from evergreen.errors import EvergreenError
from evergreen.replay.faults import WRONG, Fault, Injected, of_data, of_labels, of_traffic
from evergreen.settings import Settings, load_settings
from evergreen.settings.task import Task
from tests.project import ROOT

ROWS = pa.table({"bill": [5.0, 7.5], "wing": [1.0, None], "island": ["a", "b"]})
EMPTY = [None, None]
FEATURE = 'feature {{ name: "{}" type: {} presence {{ min_fraction: {} }} {} }}'
SCHEMA = (
    FEATURE.format("id", "BYTES", 1.0, 'not_in_environment: "SERVING"'),
    FEATURE.format("seen", "FLOAT", 1.0, ""),
    FEATURE.format("year", "INT", 1.0, ""),
    FEATURE.format("wing", "FLOAT", 0.5, ""),
    FEATURE.format("bill", "FLOAT", 0.5, ""),
    FEATURE.format("island", "BYTES", 0.5, ""),
)


def settings(folder: Path, *features: str) -> Settings:
    """A project whose requests have these features."""
    (folder / "schema.pbtxt").write_text("\n".join(features))
    places = [f"data.schema={folder}/schema.pbtxt", "data.timestamp=seen"]
    return load_settings(ROOT, overrides=[*places, "monitoring.features=null"])


@pytest.mark.parametrize(
    ("injected", "traffic", "data"),
    [
        (None, {}, {}),
        (Injected(Fault.LABEL), {}, {}),
        (Injected(Fault.UNIT, "wing"), {"wing": [1.609344, None]}, {"wing": [1.609344, None]}),
        (Injected(Fault.UPSTREAM, "island"), {"island": EMPTY}, {"island": EMPTY}),
        (Injected(Fault.SCHEMA, "bill"), {}, {"bill_renamed": [5.0, 7.5]}),
    ],
)
def test_a_fault_changes_its_column_alone(
    injected: Injected | None, traffic: dict[str, list], data: dict[str, list]
) -> None:
    played = of_traffic(injected, ROWS)
    assert played.to_pydict() == ROWS.to_pydict() | traffic
    assert played.schema.types == ROWS.schema.types
    landed = of_data(injected, ROWS).to_pydict()
    kept = {name: values for name, values in ROWS.to_pydict().items() if name in landed}
    assert landed == kept | data
    assert len(landed) == ROWS.num_columns


def test_a_fault_happens_to_the_first_column_in_requests_of_a_type_that_fits(
    tmp_path: Path,
) -> None:
    asked = settings(tmp_path, *SCHEMA)
    found = {fault: str(Injected.parse(fault, asked)) for fault in Fault}
    assert found == {
        Fault.SCHEMA: "schema of year",
        Fault.UNIT: "unit of wing",
        Fault.UPSTREAM: "upstream of island",
        Fault.LABEL: "label",
    }
    assert Injected.parse("unit:bill", asked) == Injected(Fault.UNIT, "bill")


@pytest.mark.parametrize(
    ("fault", "why", "hint"),
    [
        ("units", "there is no fault 'units'", "upstream"),
        ("unit:island", "no island that it can happen to", "wing, bill"),
        ("unit:id", "no id that it can happen to", "wing, bill"),
        ("upstream:nothing", "no nothing that it can happen to", "island"),
    ],
)
def test_a_fault_that_cannot_happen_is_refused(
    tmp_path: Path, fault: str, why: str, hint: str
) -> None:
    with pytest.raises(EvergreenError, match=why) as error:
        Injected.parse(fault, settings(tmp_path, *SCHEMA))
    assert hint in error.value.hint


def test_without_a_column_of_its_type_a_fault_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvergreenError, match="no column that it can happen to"):
        Injected.parse("upstream", settings(tmp_path, SCHEMA[2]))


def test_wrong_labels_are_as_many_as_said_and_the_same_ones_each_time() -> None:
    labels, injected = np.repeat([0.0, 1.0], 5000), Injected(Fault.LABEL)
    found = of_labels(injected, labels, Task.BINARY)
    assert np.mean(found != labels) == pytest.approx(WRONG, abs=0.02)
    assert set(found) == {0.0, 1.0}
    np.testing.assert_array_equal(of_labels(injected, labels, Task.BINARY), found)
    for fault in (None, *map(Injected, set(Fault) - {Fault.LABEL})):
        np.testing.assert_array_equal(of_labels(fault, labels, Task.BINARY), labels)


def test_wrong_classes_are_other_classes_and_wrong_values_are_those_of_other_rows() -> None:
    labels = np.random.default_rng(0).integers(0, 3, 9000).astype(float)
    found = of_labels(Injected(Fault.LABEL), labels, Task.MULTICLASS, 3)
    assert set(found) == {0.0, 1.0, 2.0}
    assert np.mean(found != labels) == pytest.approx(WRONG, abs=0.02)
    values = np.random.default_rng(0).normal(size=9000)
    found = of_labels(Injected(Fault.LABEL), values, Task.REGRESSION)
    assert np.mean(found != values) == pytest.approx(WRONG, abs=0.02)
    np.testing.assert_array_equal(np.sort(found), np.sort(values))


def test_kilometres_of_whole_miles_are_cut_off() -> None:
    rows = pa.table({"miles": pa.array([1, 10, None], pa.int64())})
    found = of_traffic(Injected(Fault.UNIT, "miles"), rows).column("miles")
    assert found.to_pylist() == [1, 16, None]
