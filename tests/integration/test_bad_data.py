"""Bad spans are stopped by the data gate, each problem named with its count; nothing is pushed."""

from pathlib import Path

import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

from evergreen.lineage.run_artifacts import RunReading
from evergreen.runs.plan import Outcome
from evergreen.runs.reports.data import DataReport
from evergreen.spans import land
from tests.integration.spans import BARTER_ROWS, FAR_ROWS, broken
from tests.project import Project, Ran


@pytest.fixture(scope="module", params=["csv", "parquet"])
def refused(request: pytest.FixtureRequest, project: Project, first: Ran) -> tuple[Ran, DataReport]:
    """A run on a spoilt span, and the data gate's report."""
    number = {"csv": 5, "parquet": 6}[request.param]
    data = project.settings.data
    file = project.folder / f"broken.{request.param}"
    if request.param == "csv":
        pcsv.write_csv(broken(), file)
    else:
        pq.write_table(broken(), file)
    span = land(data.span_root, file, number, key_column=data.key, timestamp_column=data.timestamp)
    before = project.pushed()
    ran = project.run(str(number))
    assert project.pushed() == before
    report = RunReading(project.store, ran.record).spans[0].report
    assert report is not None
    assert report.all_rows == span.rows
    return ran, report


def test_the_run_stops_at_the_data_gate(refused: tuple[Ran, DataReport]) -> None:
    ran, report = refused
    assert ran.record.outcome is Outcome.DATA_REFUSED
    assert not report.blessed
    assert ran.nodes["train"] == {}
    assert "stopped by the data gate" in ran.text


def test_every_problem_is_named_with_its_count(refused: tuple[Ran, DataReport]) -> None:
    ran, report = refused
    found = {(finding.feature, finding.kind): finding for finding in report.findings}
    rows = report.kept_rows
    assert found["fare", "SCHEMA_MISSING_COLUMN"].count == rows
    assert found["fare_usd", "SCHEMA_NEW_COLUMN"].count == rows
    unknown = found["payment_type", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"]
    assert (unknown.count, unknown.values) == (BARTER_ROWS, ("Barter",))
    text = found["trip_miles", "ROWS_REFUSED"]
    assert (text.count, text.values) == (FAR_ROWS, ("far",))
    assert len(report.refusing) == 4
    for finding in report.refusing:
        assert finding.feature in ran.text
        assert f"{finding.count} of {finding.rows} rows" in ran.text


def test_refused_rows_are_told_by_file_and_row(refused: tuple[Ran, DataReport]) -> None:
    _, report = refused
    [text] = [finding for finding in report.findings if finding.kind == "ROWS_REFUSED"]
    assert "row 101" in text.description


def test_the_span_stays_out_of_later_windows(
    project: Project, refused: tuple[Ran, DataReport]
) -> None:
    ran, _ = refused
    assert ran.record.pins is None
    assert Path(ran.record.window[0].path).exists()
