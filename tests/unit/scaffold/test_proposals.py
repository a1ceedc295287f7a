"""Each column gets a treatment and a reason; what gives the label away is left out."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.errors import SettingsError
from evergreen.scaffold.label import choose_label
from evergreen.scaffold.profile import profile
from evergreen.scaffold.proposals import Proposal, propose
from tests.unit.scaffold.tables import orders


def proposals(
    table: pa.Table, label: str, not_before: tuple[str, ...] = (), keep: tuple[str, ...] = ()
) -> dict[str, Proposal]:
    described = profile(table)
    found = propose(described, choose_label(described, label, None), not_before, keep)
    return {item.name: item for item in found}


@pytest.fixture(scope="module")
def found() -> dict[str, Proposal]:
    return proposals(orders(), "delay > 15", ("price",))


@pytest.mark.parametrize(
    ("name", "treatment", "reason"),
    [
        ("order_id", "left out", "an id: 3,000 different values in 3,000 rows"),
        ("ordered at", "time", "month, weekday and hour (UTC)"),
        ("distance", "number", "3,000 different values"),
        ("carrier", "category", "3 different texts"),
        ("is_gift", "boolean", "true in"),
        ("weekday", "integer", "0 to 6"),
        ("customer", "hashed", "too many"),
        ("note", "left out", "free text"),
        ("currency", "left out", "the same value in all rows: EUR"),
        ("nothing", "left out", "no value in 3,000 rows"),
        ("delay", "label", "the label: delay > 15"),
        ("arrived_km", "left out", "missing in the same rows as the label"),
        ("delay in hours", "left out", "missing in the same rows as the label"),
        ("price", "left out", "known only afterwards (--not-before)"),
        ("state", "left out", "tells the label by itself"),
    ],
)
def test_what_is_done_with_each_sort_of_column(
    found: dict[str, Proposal], name: str, treatment: str, reason: str
) -> None:
    item = found[name]
    assert item.treatment.value == treatment, item.reason
    assert reason in item.reason


def test_a_suspect_can_be_kept() -> None:
    item = proposals(orders(), "delay > 15", keep=("state",))["state"]
    assert item.is_feature
    assert "kept (--keep), though tells the label by itself" in item.reason


@pytest.mark.parametrize("label", ["state", "price"])
def test_suspects_of_other_tasks_are_found(label: str) -> None:
    table = orders()
    table = table.append_column("copy", table[label])
    assert "tells the label by itself" in proposals(table, label)["copy"].reason


def test_ten_thousand_categories_are_hashed() -> None:
    rows = 30_000
    random = np.random.default_rng(0)
    table = pa.table(
        {"y": random.random(rows), "shop": [f"s{n}" for n in random.integers(0, 10_000, rows)]}
    )
    assert proposals(table, "y")["shop"].code == 'Hashed("shop", 500)'


def test_an_index_and_parts_of_a_time_are_not_features_twice() -> None:
    rows = 500
    table = pa.table(
        {
            "y": np.random.default_rng(0).random(rows),
            "Unnamed: 0": np.arange(rows) * 3.5,
            "day": pa.array([86_400 * n for n in range(rows)], pa.timestamp("s")),
            "day_month": np.arange(rows) % 12 + 1,
        }
    )
    found = proposals(table, "y")
    assert "index" in found["Unnamed: 0"].reason
    assert "columns of their own: day_month" in found["day"].reason


def test_unknown_names_are_refused_and_a_near_one_is_suggested() -> None:
    with pytest.raises(SettingsError, match="no column 'prise'") as refused:
        proposals(orders(), "delay > 15", ("prise",))
    assert "price" in refused.value.hint


def test_without_any_feature_the_reasons_are_told() -> None:
    table = pa.table({"y": np.random.default_rng(0).random(200), "id": np.arange(200)})
    with pytest.raises(SettingsError, match="id: an id: 200 different values"):
        proposals(table, "y")
