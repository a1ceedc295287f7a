"""Bounds lie between a trivial model and gradient boosting on the same rows."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.scaffold.baselines import Reached, baselines, is_hardly_better
from evergreen.scaffold.label import choose_label
from evergreen.scaffold.profile import profile
from evergreen.scaffold.proposals import propose
from tests.unit.scaffold.tables import orders


def reached(table: pa.Table, label: str, not_before: tuple[str, ...] = ()) -> dict[str, Reached]:
    described = profile(table)
    chosen = choose_label(described, label, None)
    return baselines(propose(described, chosen, not_before, ()), chosen)


@pytest.mark.parametrize(
    ("label", "not_before", "metrics"),
    [
        ("delay > 15", ("price",), ["log_loss", "auc"]),
        ("state", ("delay", "price"), ["log_loss", "accuracy"]),
        ("delay", ("price",), ["rmse", "mae", "r2"]),
    ],
)
def test_a_bound_is_between_both_models(
    label: str, not_before: tuple[str, ...], metrics: list[str]
) -> None:
    found = reached(orders(), label, not_before)
    assert list(found) == metrics
    assert not is_hardly_better(found)
    for item in found.values():
        low, high = sorted((item.trivial, item.boosted))
        assert low < item.bound < high
        assert item.margin > 0


def test_a_heavy_tail_is_judged_by_the_mean_absolute_error_alone() -> None:
    table = orders()
    prices = table["price"].to_numpy().copy()
    prices[7] = 1e6
    tailed = table.set_column(table.column_names.index("price"), "price", pa.array(prices))
    assert list(reached(tailed, "price")) == ["mae"]


def test_columns_that_tell_nothing_are_noticed() -> None:
    random = np.random.default_rng(0)
    table = pa.table({"y": random.random(2000) > 0.5, "x": random.random(2000)})
    assert is_hardly_better(reached(table, "y"))


def test_a_class_of_one_row_is_no_problem_in_many_rows() -> None:
    rows = 16_000  # from 10,000 on, scikit-learn holds rows back, by class
    random = np.random.default_rng(0)
    classes = np.array(["a", "b", "c"])[random.integers(0, 3, rows)]
    classes[:1] = "rare"
    found = reached(pa.table({"y": classes, "x": random.random(rows) + (classes == "a")}), "y")
    assert found["accuracy"].boosted > found["accuracy"].trivial
