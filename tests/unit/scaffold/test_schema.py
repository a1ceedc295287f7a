"""The schema fits the rows it was made from, with room; what moves by construction has no limit."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from evergreen.quality.schema import load_curated
from evergreen.scaffold.profile import Column, profile
from evergreen.scaffold.schema import Rule, drift, least_present, schema_text, with_room


def column(values: object) -> Column:
    return profile(pa.table({"c": values}))["c"]


def periods(rows: int, count: int) -> list[np.ndarray]:
    return np.array_split(np.arange(rows), count)


@pytest.mark.parametrize(
    ("low", "high", "whole", "expected"),
    [
        (1, 12, True, (1, 12)),
        (0, 23, True, (0, 23)),
        (0, 10, True, (0, 15)),
        (-4, 10, True, (-11, 17)),
        (0.0, 700.07, False, (0, 1100)),
        (-88.2, -87.5, False, (-89, -87)),
        (3.0, 3.0, False, (1.5, 4.5)),
        (0.0, 0.0, False, (0, 0)),
    ],
)
def test_domains_have_room_and_keep_their_sign(
    low: float, high: float, whole: bool, expected: tuple[float, float]
) -> None:
    assert with_room(low, high, whole) == expected


def test_presence_is_that_of_the_worst_period_with_room() -> None:
    values = np.ones(3000)
    complete = column(values)
    assert least_present(complete, periods(3000, 3)) == 1.0
    missing = np.zeros(3000, bool)
    missing[2000:2500] = True  # half of the last period
    gaps = column(pa.array(values, mask=missing))
    assert 0.3 < least_present(gaps, periods(3000, 3)) < 0.5
    few = column(np.ones(300))  # never missing, which 300 rows do not make certain
    assert 0.8 < least_present(few, periods(300, 1)) < 1


def test_drift_is_measured_between_neighbours_and_time_has_no_limit() -> None:
    random = np.random.default_rng(0)
    steady = column(random.normal(size=3000))
    largest, limit = drift(steady, periods(3000, 3))
    assert 0 <= largest < limit < 0.3
    rising = Rule(
        column(np.arange(3000)),
        True,
        True,
        "",
        1.0,
        (),
        drift(column(np.arange(3000)), periods(3000, 3)),
    )
    assert rising.moves
    assert "comparator" not in rising.text()
    text = column(random.choice(["a", "b"], 3000))
    assert drift(text, periods(3000, 3))[1] < 0.3
    assert drift(text, periods(3000, 2)) is None


def test_the_file_is_a_schema_for_any_name_and_value(tmp_path: Path) -> None:
    names = ["a b", 'q"uote', "back\\slash", "東京", "class", "new\nline", "{"]
    values = ["x", 'q"', "\\", "東京"] * 100
    found = profile(pa.table(dict.fromkeys(names, values)))
    rules = [Rule(item, True, True, "why", 1.0) for item in found.columns.values()]
    file = tmp_path / "schema.pbtxt"
    file.write_text(schema_text("Rows", "row id", rules, ("2013-01-01", "2013-02-01")))
    schema = load_curated(file)
    assert [feature.name for feature in schema.feature] == ["row id", *names]
    assert set(schema.feature[1].string_domain.value) == set(values)
    assert schema.feature[1].distribution_constraints.min_domain_mass == pytest.approx(0.95)


def test_an_id_has_no_domain_and_is_not_part_of_a_request() -> None:
    text = Rule(column(np.arange(3000)), False, False, "an id", 1.0).text()
    assert "int_domain" not in text
    assert "SERVING" in text
