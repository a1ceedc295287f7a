"""A mark says the same as the numbers beside it, wherever it is shown."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from evergreen.monitoring.page import render
from evergreen.monitoring.results import Kind, Mark, MonitoringResult, TrafficFinding, Window

DAY = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC))


def finding(kind: Kind = Kind.PREDICTIONS, **fields: Any) -> TrafficFinding:
    given = {"kind": kind, "name": "scores", "threshold": 0.1, "fired": False}
    return TrafficFinding.model_validate(given | fields)


UNSURE = finding(value=0.12, interval=(0.08, 0.16))


@pytest.mark.parametrize(
    ("found", "mark"),
    [
        (finding(value=0.05, interval=(0.02, 0.12)), Mark.WITHIN),
        (UNSURE, Mark.UNSURE),
        (finding(value=0.3, interval=(0.2, 0.4), fired=True), Mark.FIRED),
        # Performance: the limit may be on either side.
        (finding(Kind.PERFORMANCE, value=0.95, interval=(0.94, 0.96), threshold=0.9), Mark.WITHIN),
        (finding(Kind.PERFORMANCE, value=0.89, interval=(0.87, 0.91), threshold=0.9), Mark.UNSURE),
        (finding(Kind.TRAFFIC, value=5000, threshold=200), Mark.WITHIN),
    ],
)
def test_a_mark_fits_its_numbers(found: TrafficFinding, mark: Mark) -> None:
    assert found.mark is mark


def test_the_page_shows_the_mark_beside_value_interval_and_limit() -> None:
    result = MonitoringResult(
        model="taxi", version=3, window=DAY, created=DAY.end, rows=300, labelled=0,
        findings=(UNSURE,),
    )  # fmt: skip
    [row] = re.findall(r"<tr><th scope=.row.>scores.*?</tr>", render(result, ""), re.DOTALL)
    cells = re.sub(r"<.*?>", " ", row).split()
    assert cells == ["scores", "·", "unsure", "0.1200", "0.0800", "to", "0.1600", "0.1000", "0"]
