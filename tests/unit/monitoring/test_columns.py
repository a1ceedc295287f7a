"""Values logged as JSON come back typed, by the fast and the slow parser."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from evergreen.monitoring.columns import Features, Missing, answers, features

KINDS = {"miles": "FLOAT", "hour": "INT", "company": "BYTES"}
NOTHING = Missing()
ODD = {"odd": [1, {"a": 2}]}


def parsed(*texts: str | None, missing: Missing = NOTHING) -> Features:
    batch = pa.RecordBatch.from_pydict({"features": pa.array(texts, pa.string())})
    kept, found = features(batch, KINDS, missing)
    assert {len(kept)} == set(map(len, found.columns.values()))
    return found


def read(*rows: dict[str, Any], missing: Missing = NOTHING) -> dict[str, list[Any]]:
    found = parsed(*(json.dumps(row) for row in rows), missing=missing)
    return {name: column.to_pylist() for name, column in found.columns.items()}


@pytest.mark.parametrize("other", [{}, ODD], ids=["by Arrow", "value by value"])
def test_values_have_the_types_of_the_schema(other: dict[str, Any]) -> None:
    rows = [{"miles": 2, "hour": 7, "company": "Ärger & Co\n"}, {"miles": None}, other]
    found = read(*rows, {"hour": 7 if not other else "7"})
    assert found == {
        "miles": [2.0, None, None, None],
        "hour": [7, None, None, 7],
        "company": ["Ärger & Co\n".encode(), None, None, None],
    }


def test_what_stands_for_a_missing_value_is_missing() -> None:
    rows = [{"miles": -1, "hour": -1, "company": ""}]
    assert read(*rows, missing=Missing(integer=-1, text="")) == {
        "miles": [-1.0],
        "hour": [None],
        "company": [None],
    }


def test_values_of_another_type_are_told_and_the_others_kept() -> None:
    found = parsed('{"miles": "far", "hour": 7.5}', '{"miles": 1, "hour": [7, 8]}')
    assert found.columns["miles"].to_pylist() == [None, 1.0]
    assert {(violation.column, violation.row) for violation in found.mistyped} == {
        ("miles", 0),
        ("hour", 0),
        ("hour", 1),
    }


def test_lists_of_one_are_values() -> None:
    found = read({"miles": [1.5], "hour": [7], "company": ["a"]})
    assert found == {"miles": [1.5], "hour": [7], "company": [b"a"]}


@pytest.mark.parametrize("hour", [7, "seven"])
def test_unknown_features_are_counted(hour: object) -> None:
    found = parsed(json.dumps({"hour": hour, "colour": "red"}), '{"colour": null}')
    assert found.unknown.most_common(2) == [("colour", 1)]


@pytest.mark.parametrize(
    "text",
    [None, "", " ", "7", "null", "[{}]", "{", '{"hour": 7}{"hour": 8}', '{"hour":\n', "\n{}{}"],
)
def test_what_is_no_object_is_left_out_and_the_others_keep_their_values(text: str | None) -> None:
    found = parsed('{"hour": 1}', text, '{"hour": 2}', '{"hour": 3}')
    assert found.columns["hour"].to_pylist() == [1, 2, 3]
    assert found.unreadable == 1


@pytest.mark.parametrize("depth", [500, 200_000])
def test_depth_without_end_harms_nothing(depth: int) -> None:
    deep = '{"odd": ' + "[" * depth + "]" * depth + "}"
    found = parsed('{"hour": 1}', deep, '{"hour": 2}')
    assert found.columns["hour"].to_pylist() == [1, *([None] if depth == 500 else []), 2]


@pytest.mark.parametrize("output", ["p", None])
@pytest.mark.parametrize("name", ["p", "output"])
@pytest.mark.parametrize("form", [lambda value: value, lambda value: [value]])
def test_answers_are_numbers_or_lists_of_one(form: Any, name: str, output: str | None) -> None:
    texts = pa.array([json.dumps({name: form(value)}) for value in (0, -2.5, 1e9)])
    assert answers(texts, output).tolist() == [[0], [-2.5], [1e9]]


@pytest.mark.parametrize("output", ["p", None])
@pytest.mark.parametrize("odd", [[], [ODD]], ids=["by Arrow", "value by value"])
def test_answers_have_a_number_for_each_class(odd: list[Any], output: str | None) -> None:
    rows = [{"p": [0.5, 0.25, 0.25]}, {"p": [1, 0, 0]}, {"p": [0.5, 0.5]}, {"p": None}, *odd]
    found = answers(pa.array([json.dumps(row) for row in rows]), output, 3)
    assert found[:2].tolist() == [[0.5, 0.25, 0.25], [1, 0, 0]]
    assert np.isnan(found[2:]).all()
    assert found.shape == (len(rows), 3)


def test_what_is_no_number_is_no_answer() -> None:
    texts = ["{}", '{"p": null}', '{"p": 1e999}', '{"q": 0.5}', '{"p": true}', "[0.5]", "", None]
    found = answers(pa.array([*texts, '{"p": 0.5}']), "p")
    assert np.isnan(found[:, 0]).tolist() == [True] * 8 + [False]


def test_the_only_output_has_any_name_but_of_several_one_must_be_named() -> None:
    texts = pa.array(['{"a": 1}', '{"output": 2}', '{"b": 3}', '{"a": 4, "b": 5}'])
    assert np.nan_to_num(answers(texts, None)[:, 0], nan=-1).tolist() == [1, 2, 3, -1]
    assert np.nan_to_num(answers(texts[2:], None)[:, 0], nan=-1).tolist() == [3, -1]
    assert np.nan_to_num(answers(texts[::-1], "b")[:, 0], nan=-1).tolist() == [5, 3, 2, -1]
    assert answers(texts[:0], None).shape == (0, 1)


def test_a_long_row_is_read_too() -> None:
    assert read({"company": "x" * 3_000_000})["company"] == [b"x" * 3_000_000]
