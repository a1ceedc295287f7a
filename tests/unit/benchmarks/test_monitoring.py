"""The monitoring benchmark: the log that it writes, and what it says of the figures."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks.monitoring import data
from benchmarks.monitoring.comparing import LARGE, OURS, PLAIN, RIVAL, SMALL
from benchmarks.monitoring.result import Result, Run
from benchmarks.monitoring.section import SECTION
from evergreen.monitoring.log import Log
from models.taxi.features import TRIPS
from tests.unit.benchmarks.results import MACHINE


def result(*, ours: float = 20.0, grown: float = 1000.0) -> Result:
    """A million rows; Evidently takes 40 seconds and 4,000 MiB."""
    figures = {
        OURS: (1.0, ours, 950.0),
        PLAIN: (1.0, 10.0, 2000.0),
        RIVAL: (1.0, 40.0, 4000.0),
        SMALL: (0.25, ours / 4, 900.0),
        LARGE: (4.0, 4 * ours, grown),
    }
    runs = {
        name: Run(rows=int(size * 1e6), seconds=seconds, wall=seconds + 20, peak=peak)
        for name, (size, seconds, peak) in figures.items()
    }
    return Result(
        machine=MACHINE,
        started=datetime(2026, 3, 1, tzinfo=UTC),
        rounds=(runs,),
        packages={"evidently": "1.0", "pandas": "2.0"},
    )


def test_the_page_says_what_was_reached_and_what_was_not(tmp_path: Path) -> None:
    page = SECTION.render(result().model_dump_json(), tmp_path)
    assert "| rows/s, of Evidently's | at least 1 | 2.00 | reached |" in page
    assert "| peak memory, of Evidently's | at most 1 | 0.24 | reached |" in page
    assert "| at most 100 MiB | 27 MiB | reached |" in page
    assert "| plain pandas | 1,000,000 | 100,000 | 10.0 | 30.0 | 2,000 |" in page
    page = SECTION.render(result(ours=60, grown=2000).model_dump_json(), tmp_path)
    assert "0.67 | **missed** |" in page
    assert "293 MiB | **missed** |" in page


def test_the_log_is_one_that_is_monitored(tmp_path: Path) -> None:
    made = data.make(tmp_path, 1000)
    assert Log(made / "log", "taxi").count(data.WINDOW) == 1000
    labels = ds.dataset(made / "labels").to_table()
    log = ds.dataset(made / "log", format="parquet").to_table()
    assert labels["request_id"].to_pylist() == log["request_id"].to_pylist()
    reference = pq.read_table(made / "reference.parquet")
    assert reference.column_names == [*TRIPS.raw_names, "score", "label"]
    assert data.make(tmp_path, 1000) == made
