"""The plan is shown before a run."""

import io

from rich.console import Console

from evergreen.running.summary import show_plan
from evergreen.running.tables import show_data, show_model
from evergreen.runs.reports.data import DataReport, Finding
from evergreen.runs.reports.model import ModelReport
from tests.unit.planning.conftest import Bench, bench  # noqa: F401 - a fixture


def shown(bench: Bench) -> str:  # noqa: F811
    console = Console(file=io.StringIO(), width=200)
    show_plan(console, bench.settings(), bench.plan())
    return console.file.getvalue()


def test_what_the_cache_cannot_know_is_named_before_the_run(bench: Bench) -> None:  # noqa: F811
    assert "cache" not in shown(bench)
    (bench.folder / "shared/clean.py").write_text('WORDS = "gs://bucket/[bold]words.csv"\n')
    assert "not part of what the cache knows, if it changes: --no-cache" in shown(bench)
    assert "shared/clean.py, line 1: names gs://bucket/[bold]words.csv" in shown(bench)


def test_what_is_recorded_of_a_blessed_span_is_said() -> None:
    finding = Finding(
        feature="company",
        refuses=False,
        kind="MISSING_IN_WORDS",
        count=6,
        rows=60,
        values=("NA",),
    )
    report = DataReport(
        span=4,
        rows={"train": 36, "test": 12},
        refused_rows=0,
        blessed=True,
        findings=(finding,),
        drift=(),
    )
    console = Console(file=io.StringIO(), width=200)
    show_data(console, [report])
    assert "span 4, recorded, which stops nothing:" in console.file.getvalue()
    assert "company MISSING_IN_WORDS: 'NA' is 10 % of the values" in console.file.getvalue()
    assert "drifted" not in console.file.getvalue()


def test_a_span_that_was_published_again_is_named_with_its_version(bench: Bench) -> None:  # noqa: F811
    assert "train on   spans 1, 2\n" in shown(bench)
    bench.publish(2, value=1)
    assert "train on   spans 1, 2 (version 2)\n" in shown(bench)


def test_rows_that_a_verdict_does_not_rest_on_are_counted() -> None:
    console = Console(file=io.StringIO(), width=200)
    report = ModelReport(blessed=True, candidate={"auc": 0.9}, verdicts=())
    show_model(console, report)
    assert "left out" not in console.file.getvalue()
    show_model(console, report.model_copy(update={"unlabelled": 1200}))
    assert "left out: 1,200 rows without a label" in console.file.getvalue()
