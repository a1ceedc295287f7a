"""More trips than there are have the types, the gaps and the distributions of the real ones."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks.scale.data import make
from benchmarks.scale.resampling import BATCH_ROWS, SEED, keys, resample
from data.taxi import KEY_COLUMN, TIMESTAMP_COLUMN
from data.taxi.source import SOURCE_SCHEMA, read_source, sample_path
from evergreen.spans import read_span, verify

ROWS = BATCH_ROWS + 10_000
FIVE_ERRORS = 2.5 / np.sqrt(15_002)
"""Five standard errors of a share, or of a quantile's rank, among as many rows as the sample's."""


@pytest.fixture(scope="module")
def sample() -> pa.Table:
    return read_source(sample_path())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trips")


@pytest.fixture(scope="module")
def trips(folder: Path) -> pa.Table:
    """Read back from the file that stock reads, strictly."""
    [file] = make(folder, ROWS).csv.iterdir()
    return read_source(file)


@pytest.mark.parametrize("name", SOURCE_SCHEMA.names)
def test_as_many_are_missing(sample: pa.Table, trips: pa.Table, name: str) -> None:
    shares = [table[name].null_count / len(table) for table in (sample, trips)]
    assert shares[0] == pytest.approx(shares[1], abs=FIVE_ERRORS)


@pytest.mark.parametrize("name", ["payment_type", "company", "trip_start_hour", "trip_start_day"])
def test_categories_have_their_shares(sample: pa.Table, trips: pa.Table, name: str) -> None:
    shares = [
        {
            count["values"]: count["counts"] / len(table)
            for count in pc.value_counts(table[name]).to_pylist()
        }
        for table in (sample, trips)
    ]
    assert shares[1].keys() <= shares[0].keys()
    for value, share in shares[0].items():
        assert shares[1].get(value, 0) == pytest.approx(share, abs=FIVE_ERRORS)


@pytest.mark.parametrize("name", ["fare", "trip_miles", "trip_seconds", "tips", TIMESTAMP_COLUMN])
def test_numbers_have_their_quantiles(sample: pa.Table, trips: pa.Table, name: str) -> None:
    before, now = (np.sort(table[name].drop_null().to_numpy()) for table in (sample, trips))
    month = 31 * 86_400 if name == TIMESTAMP_COLUMN else 0
    for share in np.arange(0.05, 1, 0.05):
        low, high = np.quantile(before, [share - FIVE_ERRORS, share + FIVE_ERRORS])
        assert low - month <= np.quantile(now, share) <= high + month


def test_columns_of_one_moment_agree(trips: pa.Table) -> None:
    moments = trips[TIMESTAMP_COLUMN].cast(pa.timestamp("s"))
    assert pc.month(moments).equals(trips["trip_start_month"])
    assert pc.hour(moments).equals(trips["trip_start_hour"])
    sunday_first = pc.day_of_week(moments, count_from_zero=False, week_start=7)
    assert sunday_first.equals(trips["trip_start_day"])
    assert pc.count_distinct(moments).as_py() > 2 * 13_789  # of the sample


def test_the_span_is_whole_and_has_distinct_keys(folder: Path) -> None:
    made = make(folder, ROWS)
    span = read_span(made.span)
    verify(span)
    assert span.rows == ROWS
    assert [column.name for column in span.manifest.columns] == [*SOURCE_SCHEMA.names, KEY_COLUMN]
    assert list(span.files) == made.parts
    some = keys(2**33, 100_000, SEED)
    assert pc.count_distinct(some).as_py() == len(some)
    assert set(pc.utf8_length(some).to_pylist()) == {32}


def test_the_same_trips_come_again_and_fewer_are_the_first_of_them() -> None:
    [few] = resample(100)
    again = list(resample(ROWS))
    assert few.equals(again[0].slice(0, 100))
    assert [len(batch) for batch in again] == [BATCH_ROWS, 10_000]
    assert not few.equals(next(resample(100, seed=1)))
