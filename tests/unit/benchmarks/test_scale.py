"""The benchmark of growth: what it says of the figures, and of parts that were not measured."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.measure import Measured, Trace
from benchmarks.scale.result import Part, Result, Run, Work
from benchmarks.scale.section import SECTION
from benchmarks.scale.targets import TARGETS, seconds
from benchmarks.scale.terms import (
    FULL,
    GZIP,
    HUGE,
    LARGE,
    LIMIT,
    MEDIUM,
    NODES,
    ONE_CORE,
    OURS,
    STOCK,
    steps,
)
from tests.unit.benchmarks.results import MACHINE


def run(variant: str, rows: int, taken: float, peak: float, *nodes: str) -> Run:
    """A process that takes 20 seconds more than its nodes, which take the same each."""
    wall = 20 + taken * len(nodes)
    work = [Work(node=node, seconds=taken, cpu=taken, before=700, peak=peak) for node in nodes]
    measured = Measured(started=0, wall=wall, cpu=wall, peak=peak)
    return Run(variant=variant, rows=rows, measured=measured, work=tuple(work))


def part(runs: Sequence[Run]) -> Part:
    return Part(machine=MACHINE, started=datetime(2026, 3, 1, tzinfo=UTC), runs=tuple(runs))


def result(*, ours: float = 60.0) -> Result:
    """At 1.5 million rows each of five nodes takes stock 200 seconds, and ours some, twice."""
    pipeline = [
        *(run(STOCK, rows, rows / 7500, 3000, *NODES) for rows in (MEDIUM, LARGE)),
        run(OURS, MEDIUM, 8, 1500, *NODES),
        run(OURS, LARGE, ours, 2500, *NODES),
        run(OURS, LARGE, ours + 10, 2500, *NODES),
    ]
    ingestion = [
        run(STOCK, MEDIUM, 40, 1000, "ExampleGen"),
        run(OURS, LARGE, 20, 900, "ExampleGen"),
        run(OURS + ONE_CORE, LARGE, 30, 900, "ExampleGen"),
        run(LIMIT, LARGE, 25, 800, "ExampleGen"),
        run(LIMIT + ONE_CORE, LARGE, 20, 800, "ExampleGen"),
        run(OURS, HUGE, 200, 1100, "ExampleGen"),
    ]
    statistics = [run(LIMIT, LARGE, 20, 3000, "StatisticsGen")]
    return Result(
        parts={
            "pipeline": part(pipeline),
            "ingestion": part(ingestion),
            "statistics": part(statistics),
        }
    )


def page(made: Result, folder: Path) -> str:
    return SECTION.render(made.model_dump_json(), folder)


def verdicts(text: str) -> dict[str, list[str]]:
    rows = re.findall(r"^\| (.*) \| (at (?:least|most) .*) \| (.*) \| (.*) \|$", text, re.MULTILINE)
    return {title: cells for title, *cells in rows}


def test_targets_are_judged_by_ratios(tmp_path: Path) -> None:
    found = verdicts(page(result(), tmp_path))
    whole = "1,500,000 rows, the same nodes: whole process, of stock's"
    # 320 and 370 of the 1,020 seconds of the one round that stock has.
    assert found[whole] == ["at most 0.35", "0.34 (0.31 to 0.36)", "reached"]
    grown = "ten times the rows, 150,000 to 1,500,000: whole process of ours, times"
    assert found[grown] == ["at most 10", "5.75 (5.33 to 6.17)", "reached"]
    rows = "1,500,000 rows, in these pipelines: ExampleGen's rows a second, of stock's"
    assert found[rows] == ["at least 15", "3.10 (2.86 to 3.33)", "**missed**"]
    limit = "1,500,000 rows, on {}: seconds of ingestion, of the straight line's"
    assert found[limit.format("one core")][1:] == ["1.50", "**missed**"]
    assert found[limit.format("two cores")][1:] == ["0.80", "reached"]
    assert found["ingestion of 15,000,000 rows: peak memory"] == [
        "at most 1,024 MiB",
        "1,100 MiB",
        "**missed**",
    ]
    assert found["the same, of that at 1,500,000 rows"][1:] == ["1.22", "**missed**"]
    assert verdicts(page(result(ours=70), tmp_path))[whole][2] == "**missed**"


def test_what_was_not_measured_is_not_judged(tmp_path: Path) -> None:
    assert not any("gzipped" in text for text in verdicts(page(result(), tmp_path)))
    only = Result(parts={"ingestion": result().parts["ingestion"]})
    text = page(only, tmp_path)
    assert "the same nodes: whole process" not in text
    assert "### Statistics alone" not in text
    assert len(verdicts(text)) == 4


def test_tables_have_rows_a_second_and_limits(tmp_path: Path) -> None:
    text = page(result(), tmp_path)
    assert (
        "| 1,500,000 | ours | 345.0 (320.0 to 370.0) | 345.0 (320.0 to 370.0) | 2,500 | 4,348 |"
        in text
    )
    assert "| Transform | 200.0 | 65.0 (60.0 to 70.0) | 7,500 | 23,077 |" in text
    assert "| 1,500,000 | ours, one core | 30.0 | 50,000 | 30.0 | 50.0 | 700 | 900 |" in text
    assert "| 1,500,000 | 200.0 | 65.0 (60.0 to 70.0) | 20.0 | 10.0 | 3.2 (3.0 to 3.5) |" in text
    assert "\n\n\n" not in text


def test_the_charts_are_whole(tmp_path: Path) -> None:
    charts = re.findall(r"!\[.*\]\(images/(.*)\)", page(result(), tmp_path))
    assert len(charts) == 2
    for chart in charts:
        ElementTree.parse(tmp_path / chart)


def test_every_target_is_among_what_is_measured_in_full() -> None:
    sizes = {name: [size.rows for size in of] for name, of in FULL.items()}
    assert sizes["pipeline"][-2:] == [MEDIUM, LARGE]
    assert sizes["ingestion"][-2:] == [LARGE, HUGE]
    assert len({target.text for target in TARGETS}) == len(TARGETS)


def test_one_epoch_has_each_training_row_once() -> None:
    assert steps(LARGE) == 900_000 / 40


def test_a_round_that_was_not_made_is_stood_for_by_the_last() -> None:
    over, under = ("pipeline", OURS, LARGE), ("pipeline", STOCK, LARGE)
    found = result().ratio(over, under, seconds("Trainer"))
    assert found
    assert (found.low, found.high) == (60 / 200, 70 / 200)
    assert result().ratio(("pipeline", OURS + GZIP, LARGE), under, seconds("Trainer")) is None


def test_a_trace_tells_what_was_taken_between_two_moments() -> None:
    trace = Trace(times=[0, 1, 2, 3], cpu=[0, 1, 3, 3], memory=[10, 20, 50, 30])
    assert trace.within(0.5, 1.5) == (1.5, 15, 20)
    assert trace.within(1.5, 2.9) == pytest.approx((1, 35, 50))
