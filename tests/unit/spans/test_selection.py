"""Spans are named by number, and a wrong name is explained."""

from pathlib import Path

import pyarrow as pa
import pytest

from evergreen.errors import DataError
from evergreen.spans import parse_selection, publish_version, select
from evergreen.spans.selection import format_selection


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1", [1]),
        ("1-3,5", [1, 2, 3, 5]),
        ("5, 1-1", [1, 5]),
        ("2,1-3", [1, 2, 3]),
    ],
)
def test_numbers_and_ranges_are_parsed(text: str, numbers: list[int]) -> None:
    assert parse_selection(text) == numbers
    assert parse_selection(format_selection(numbers)) == numbers


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "'' in span selection ''"),
        ("1,,2", "'' in span selection '1,,2'"),
        ("one", "'one' in span selection"),
        ("1-", "'1-' in span selection"),
        ("-1", "'-1' in span selection"),
        ("1.5", "'1.5' in span selection"),
        ("٣", "not a number or range"),
        ("3-1", "range '3-1' .* runs backwards"),
        ("0", "'0' .* is out of range"),
        ("1-999999999999", "'1-999999999999' .* is out of range"),
    ],
)
def test_what_is_no_selection_is_refused(text: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem) as refusal:
        parse_selection(text)
    assert refusal.value.hint


def test_a_selection_gives_the_latest_versions_by_number(tmp_path: Path) -> None:
    for number, value in [(3, 1), (1, 1), (1, 2), (2, 1)]:
        publish_version(tmp_path, number, pa.table({"id": [value]}))
    assert [(s.number, s.version) for s in select(tmp_path, "3,1")] == [(1, 2), (3, 1)]


def test_missing_spans_are_named_with_those_that_exist(tmp_path: Path) -> None:
    for number in (1, 2, 3, 7):
        publish_version(tmp_path, number, pa.table({"id": [number]}))
    (tmp_path / "span-00005" / "version-01").mkdir(parents=True)
    with pytest.raises(DataError, match=r"no span 4-6 under .* \(5 incomplete\)") as refusal:
        select(tmp_path, "2-7")
    assert "1-3,7" in refusal.value.hint


def test_an_empty_root_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no span 1 under") as refusal:
        select(tmp_path / "nowhere", "1")
    assert "no spans" in refusal.value.hint
