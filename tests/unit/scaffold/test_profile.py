"""Columns of text get the type of all their values; tokens of missing values are found."""

import pyarrow as pa
import pytest

from evergreen.scaffold.profile import profile


@pytest.mark.parametrize(
    ("values", "kind", "low_and_high"),
    [
        (["1", "2", None], "whole number", (1, 2)),
        (["1.5", "-2"], "number", (-2, 1.5)),
        (["1.5", "NA", "?"], "number", (1.5, 1.5)),
        (["true", "FALSE"], "boolean", (0, 1)),
        (["00501", "10001"], "text", None),
        (["2013-01-01T10:00:00Z", "1970-01-02"], "time", (86_400, 1357034400)),
        (["2013-01-01 10:00", "-"], "time", (1357034400, 1357034400)),
        (["NA", "x"], "text", None),
        (["01/02/2013"], "text", None),
        (["", None], "text", None),
        ([None, None], "empty", None),
        ([float("nan"), None], "empty", None),
        ([float("nan"), 2.0, float("inf")], "number", (2, 2)),
        ([[1], [2]], "other", None),
    ],
)
def test_the_kind_of_a_column(
    values: list[object], kind: str, low_and_high: tuple[float, float] | None
) -> None:
    column = profile(pa.table({"c": values}))["c"]
    assert column.kind.value == kind
    if low_and_high:
        assert column.range == low_and_high


def test_tokens_count_in_every_column_once_they_are_known() -> None:
    found = profile(pa.table({"n": ["1", "NA"], "s": ["NA", "x"]}))
    assert found.tokens == ("NA",)
    assert found["s"].values.to_pylist() == [None, "x"]


def test_whole_numbers_are_times_if_they_are_called_so() -> None:
    seconds = [1_357_000_200, 1_483_116_300]
    found = profile(pa.table({"start_timestamp": seconds, "phone": seconds}))
    assert [column.kind.value for column in found.columns.values()] == ["time", "whole number"]


def test_a_time_zone_is_kept() -> None:
    moments = pa.array([0], pa.timestamp("s", "America/New_York"))
    assert profile(pa.table({"t": moments}))["t"].zone == "America/New_York"
