"""Labels are read as the task of the model has them; what is none is refused with the reason."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from evergreen.monitoring.label_values import parser
from evergreen.settings.task import Task

SPECIES = ("Adelie", "Chinstrap", "Gentoo")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["Gentoo", "Adelie", None], [2, 0, None]),
        (["2", "0", "1.0"], [2, 0, 1]),
        ([2, 0, 1], [2, 0, 1]),
        ([2.0, 0.0, None], [2, 0, None]),
        ([Decimal(2), Decimal("0.0"), Decimal(1)], [2, 0, 1]),
        ([b"Chinstrap", b"Gentoo", b"1"], [1, 2, 1]),
    ],
)
def test_a_class_is_a_name_or_an_index(labels: list[Any], expected: list[float | None]) -> None:
    read = parser(Task.MULTICLASS, SPECIES)(pa.array(labels))
    assert (read.column.to_pylist(), dict(read.refused)) == (expected, {})


def test_a_name_goes_before_an_index() -> None:
    read = parser(Task.MULTICLASS, ("3", "1", "2"))
    assert read(pa.array([3, 1, 2])).column.to_pylist() == [0, 1, 2]
    assert read(pa.array(["0"])).column.to_pylist() == [0]


@pytest.mark.parametrize("label", ["gentoo", "3", -1, 0.5, ""])
def test_what_is_no_class_is_refused_with_the_classes(label: Any) -> None:
    read = parser(Task.MULTICLASS, SPECIES)(pa.array([label]))
    assert read.column.to_pylist() == [None]
    assert read.refused == {0: "is no class (Adelie, Chinstrap, Gentoo) nor the index of one"}


def test_of_many_classes_a_refusal_names_a_few() -> None:
    read = parser(Task.MULTICLASS, [f"class {at}" for at in range(10_000)])(pa.array(["x"]))
    assert read.refused[0].startswith(
        "is no class (class 0, class 1, class 2, class 3, class 4, ..."
    )


@pytest.mark.parametrize(
    "labels",
    [["-12.5", "1e3", None], [-12.5, 1000.0, None], [Decimal("-12.5"), Decimal(1000), None]],
)
def test_a_value_is_any_number(labels: list[Any]) -> None:
    read = parser(Task.REGRESSION, ())(pa.array(labels))
    assert (read.column.to_pylist(), dict(read.refused)) == ([-12.5, 1000, None], {})


def test_what_is_no_finite_number_is_refused() -> None:
    read = parser(Task.REGRESSION, ())
    assert set(read(pa.array(["x", "inf", "7", "1e300"])).refused) == {0, 1, 3}
    assert read(pa.array([float("inf"), 7.0])).refused == {0: "is not finite"}
    assert read(pa.array([1e300])).refused == {0: "is not finite"}


def test_zero_and_one_stay_what_they_were() -> None:
    read = parser(Task.BINARY, ())
    assert read(pa.array([True, False, None])).column.to_pylist() == [1, 0, None]
    assert read(pa.array(["2"])).refused == {0: "is not true or false, 1 or 0"}
