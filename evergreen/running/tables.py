"""Shows the gates' reports, as tables and lines for a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from evergreen.runs import sentences
from evergreen.runs.reports.data import DataReport
from evergreen.runs.reports.model import ModelReport
from evergreen.runs.reports.serving import ServingReport
from evergreen.screen import table
from evergreen.texts import many, plain

TEXTS = ("metric", "largest drift")
"""Columns that are no numbers."""
MOST = 1000
"""The longest line, in characters."""


def show_data(console: Console, reports: list[DataReport]) -> None:
    """Prints the spans of the window, the reasons of refusals, and drift."""
    shown = _table("data", "span", "rows", "of test", "refused", "anomalies", "largest drift")
    for report in reports:
        cells = (report.span, report.kept_rows, report.rows["test"], report.refused_rows)
        shown.add_row(*map(str, cells), str(len(report.refusing)), _largest_drift(report))
    console.print(shown)
    for report in reports:
        if not report.blessed:
            console.print(f"[red]span {report.span} is refused by the data gate:[/red]")
            _list(console, "✗", sentences.of_data(report))
        elif report.drifted:
            console.print(
                f"[yellow]span {report.span} has drifted[/yellow], which is recorded and stops "
                "nothing: it is a reason to train."
            )
            _list(console, "~", sentences.of_drift(report))
        if warnings := list(sentences.of_warnings(report)):
            console.print(f"[yellow]span {report.span}[/yellow], recorded, which stops nothing:")
            _list(console, "~", warnings)


def show_model(console: Console, report: ModelReport) -> None:
    """Prints the metrics of candidate and baseline, and the model gate's verdicts."""
    baseline = report.baseline
    name = f"baseline (version {report.baseline_version})" if baseline else "baseline (none)"
    shown = _table("model, on the test split", "metric", "candidate", name)
    for metric, value in report.candidate.items():
        why = report.undefined.get(metric, "not a number")
        other = _number(baseline[metric], why) if baseline and metric in baseline else "-"
        shown.add_row(plain(metric), _number(value, why), other)
    console.print()
    console.print(shown)
    if report.unlabelled:
        console.print(f"  left out: {report.unlabelled:,} rows without a label", highlight=False)
    parts = [verdict for verdict in report.verdicts if verdict.is_of_part]
    for verdict in report.verdicts:
        if verdict.passed and not verdict.is_of_part:
            _line(console, "✓", f"{verdict.criterion}: {sentences.numbers(verdict)}")
    _list(console, "✗", sentences.of_model(report))
    if parts:
        held = sum(verdict.decides and verdict.passed for verdict in parts)
        small = sum(not verdict.decides for verdict in parts)
        text = many(held, "part of the data holds", "parts of the data hold")
        left = f"; {many(small, 'is', 'are')} too small to decide" if small else ""
        console.print(f"  {text} too{left}", highlight=False)


def show_serving(console: Console, report: ServingReport) -> None:
    """Prints the exported model's latency, and its failed checks."""
    latency = report.latency.get("serving_default")
    speed = f", p95 {latency.p95_ms:.1f} ms a row" if latency else ""
    if report.blessed:
        asked = f"{report.requests} recorded requests over gRPC and REST"
        text = f"serves {asked} as in training{speed}"
        _line(console, "✓", text)
    _list(console, "✗", sentences.of_serving(report))


def _list(console: Console, mark: str, lines: Iterable[str]) -> None:
    for line in lines:
        _line(console, mark, line)


def _line(console: Console, mark: str, text: str) -> None:
    color = {"✓": "green", "✗": "red", "~": "yellow"}[mark]
    console.print(
        f"  [{color}]{mark}[/{color}] {plain(text, MOST)}", highlight=False, soft_wrap=True
    )


def _table(title: str, *columns: str) -> Table:
    # The text wraps on a narrow terminal, and the numbers do not.
    return table(title, *(name if name in TEXTS else f"{name}>" for name in columns), folds=TEXTS)


def _largest_drift(report: DataReport) -> str:
    """Returns the drift that is surely the largest share of its threshold."""
    if not report.drift:
        return "-"
    worst = max(report.drift, key=lambda drift: drift.rank)
    high = len(report.drifted)
    text = f"{plain(worst.feature)} {sentences.distance(worst)} of {worst.threshold:g}"
    return text + (f" [yellow]({high} high)[/yellow]" if high else "")


def _number(value: float | None, why: str) -> str:
    if value is None:
        return why
    return f"{value:.0f}" if value.is_integer() else f"{value:.4f}"
