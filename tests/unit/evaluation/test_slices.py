"""Rows are cut into parts, each row into one."""

import numpy as np
import pytest

from evergreen.evaluation.slices import MOST, parts
from evergreen.settings.gates import Slicing

PAYMENT = Slicing(feature="payment")


def test_of_thousands_of_values_the_rarer_ones_are_one_part() -> None:
    values = [f"company {at:04d}" for at in range(3000)] + ["company 0007", "company 2999"] * 5
    slicing = Slicing(feature="company")
    found = dict(parts(slicing, {"company": values}))
    assert len(found) == MOST + 1
    assert list(found)[-1] == "company (2,900 rarer values together)"
    assert found["company company 0007"].sum() == found["company company 2999"].sum() == 6
    np.testing.assert_array_equal(np.sum(list(found.values()), axis=0), 1)  # each row once


def test_values_with_few_rows_are_one_part_and_a_single_one_keeps_its_name() -> None:
    areas = [*["a"] * 50, *["b"] * 4, *["c"] * 5, *[None] * 3]
    slicing = Slicing(feature="area")
    found = {name: int(mask.sum()) for name, mask in parts(slicing, {"area": areas}, least=5)}
    assert found == {"area a": 50, "area c": 5, "area (2 rarer values together)": 7}
    alone = [name for name, _ in parts(slicing, {"area": areas[:-3]}, least=5)]
    assert alone == ["area a", "area b", "area c"]


@pytest.mark.parametrize(
    ("slicing", "values", "expected"),
    [
        (PAYMENT, ["cash", None, "cash"], {"cash": 2, "missing": 1}),
        (Slicing(feature="payment", known=True), ["a", None, "b"], {"known": 2, "missing": 1}),
        (
            Slicing(feature="payment", edges=(6, 10)),
            [0, 5, 6, 9, 10, 23, None],
            {"below 6": 2, "6 to 10": 2, "10 and more": 2, "missing": 1},
        ),
    ],
)
def test_rows_are_cut_into_parts(slicing: Slicing, values: list, expected: dict[str, int]) -> None:
    found = {name: int(mask.sum()) for name, mask in parts(slicing, {"payment": values})}
    assert found == {f"payment {name}": count for name, count in expected.items()}
