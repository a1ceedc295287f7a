"""Cutting gives every trip to exactly one span, by calendar, always the same."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from data.taxi.source import sample_path
from data.taxi.spans import cut
from evergreen.errors import DataError
from evergreen.spans import Format, Period, Span, land, list_spans, list_versions, verify

COUNTS = {Period.YEAR: 4, Period.QUARTER: 16, Period.MONTH: 48}


def read(span: Span) -> pa.Table:
    if span.format is Format.PARQUET:
        return pq.read_table(span.files[0])
    return pacsv.read_csv(span.files[0])


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def all_keys(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The keys of the sample, delivered in one piece."""
    span = land(tmp_path_factory.mktemp("whole"), sample_path(), 1, key_column="trip_id")
    return set(read(span)["trip_id"].to_pylist())


@pytest.mark.parametrize("period", list(Period))
def test_every_trip_is_in_the_one_span_of_its_period(
    tmp_path: Path, period: Period, all_keys: set[str]
) -> None:
    spans = cut(None, tmp_path, period)
    assert [span.number for span in spans] == list(range(1, COUNTS[period] + 1))
    assert list_spans(tmp_path) == spans
    keys: list[str] = []
    for span in spans:
        verify(span)
        rows, held = read(span), span.manifest.period
        assert held
        times = rows["trip_start_timestamp"].to_pylist()
        assert times == sorted(times)
        assert held.start.timestamp() <= times[0] <= times[-1] < held.end.timestamp()
        keys += rows["trip_id"].to_pylist()
    assert len(keys) == len(all_keys) == 15_002
    assert set(keys) == all_keys


def test_periods_begin_at_midnight_utc_and_touch(tmp_path: Path) -> None:
    periods = [span.manifest.period for span in cut(None, tmp_path, Period.QUARTER)]
    assert periods[0].start == datetime(2013, 1, 1, tzinfo=UTC)
    assert periods[1].start == datetime(2013, 4, 1, tzinfo=UTC)
    assert periods[-1].end == datetime(2017, 1, 1, tzinfo=UTC)
    assert [period.end for period in periods[:-1]] == [other.start for other in periods[1:]]


def test_cutting_again_changes_no_byte_wherever_and_in_whatever_order(tmp_path: Path) -> None:
    header, *lines = sample_path().read_text().splitlines()
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join([header, *random.Random(0).sample(lines, len(lines))]))
    for file_format in Format:
        here, there = tmp_path / f"{file_format}-a", tmp_path / f"{file_format}-b"
        first = cut(None, here, Period.YEAR, file_format)
        assert cut(None, here, Period.YEAR, file_format) == first
        cut(shuffled, there, Period.YEAR, file_format)
        assert contents(here) == contents(there)


def test_both_formats_hold_the_same_rows(tmp_path: Path) -> None:
    parquet = cut(None, tmp_path / "parquet", Period.YEAR)
    csv = cut(None, tmp_path / "csv", Period.YEAR, Format.CSV)
    assert {span.format for span in csv} == {Format.CSV}
    as_csv = pacsv.read_csv(
        csv[1].files[0],
        convert_options=pacsv.ConvertOptions(
            column_types=read(parquet[1]).schema, strings_can_be_null=True
        ),
    )
    assert as_csv.equals(read(parquet[1]))


def test_an_empty_period_keeps_its_number(tmp_path: Path) -> None:
    header, *lines = sample_path().read_text().splitlines()
    column = header.split(",").index("trip_start_timestamp")
    end_2013, start_2015 = 1388534400, 1420070400
    kept = [x for x in lines if not end_2013 <= int(x.split(",")[column]) < start_2015]
    (tmp_path / "gap.csv").write_text("\n".join([header, *kept]))
    spans = cut(tmp_path / "gap.csv", tmp_path / "spans", Period.YEAR)
    assert [span.number for span in spans] == [1, 3, 4]


def test_a_corrected_row_gives_a_new_version_of_its_span_only(tmp_path: Path) -> None:
    cut(None, tmp_path / "spans", Period.YEAR)
    text = (
        sample_path().read_text().replace(",12.45,5,19,6,1400269500,", ",12.46,5,19,6,1400269500,")
    )
    (tmp_path / "corrected.csv").write_text(text)
    spans = cut(tmp_path / "corrected.csv", tmp_path / "spans", Period.YEAR)
    assert [(span.number, span.version) for span in spans] == [(1, 1), (2, 2), (3, 1), (4, 1)]
    assert len(list_versions(tmp_path / "spans")) == 5


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (",12.45,5,", ",abc,5,", "row 2, column fare: 'abc'"),
        (",1483116300,", ",,", "column trip_start_timestamp: empty"),
        ("payment_type", "payment", "columns missing payment_type; unknown 'payment'"),
    ],
)
def test_a_malformed_source_leaves_no_span_behind(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    (tmp_path / "bad.csv").write_text(sample_path().read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=problem):
        cut(tmp_path / "bad.csv", tmp_path / "spans", Period.YEAR)
    assert not (tmp_path / "spans").exists()


def test_periods_are_not_mixed_in_one_root(tmp_path: Path) -> None:
    cut(None, tmp_path, Period.YEAR)
    before = contents(tmp_path)
    with pytest.raises(DataError, match=r"2013-01 up to 2014-01, span 1 .* 2013-01 up to 2013-04"):
        cut(None, tmp_path, Period.QUARTER)
    assert contents(tmp_path) == before
