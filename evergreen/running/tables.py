"""Shows the gates' reports, as tables and lines for a terminal."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from evergreen.runs import reasons
from evergreen.runs.reasons import Report
from evergreen.visible import plain

MOST = 1000
"""The longest line, in characters."""


def show_data(console: Console, reports: list[Report]) -> None:
    """Prints the spans of the window, the reasons of refusals, and drift."""
    table = _table("data", "span", "rows", "of test", "refused", "anomalies", "largest drift")
    for report in reports:
        rows = report["rows"]
        anomalies = sum(finding["refuses"] for finding in report["findings"])
        cells = (report["span"], sum(rows.values()), rows["test"], report["refused_rows"])
        table.add_row(*map(str, cells), str(anomalies), _largest_drift(report["drift"]))
    console.print(table)
    for report in reports:
        if not report["blessed"]:
            console.print(f"[red]span {report['span']} is refused by the data gate:[/red]")
            _list(console, "✗", reasons.of_data(report))
        elif any(drift["exceeded"] for drift in report["drift"]):
            console.print(
                f"[yellow]span {report['span']} has drifted[/yellow], which is recorded and stops "
                "nothing: it is a reason to train."
            )
            _list(console, "~", reasons.of_drift(report))
        if warnings := list(reasons.of_warnings(report)):
            console.print(f"[yellow]span {report['span']}[/yellow], recorded, which stops nothing:")
            _list(console, "~", warnings)


def show_model(console: Console, report: Report) -> None:
    """Prints the metrics of candidate and baseline, and the model gate's verdicts."""
    baseline = report["baseline"]
    name = f"baseline (version {report['baseline_version']})" if baseline else "baseline (none)"
    table = _table("model, on the test split", "metric", "candidate", name)
    for metric, value in report["candidate"].items():
        why = report.get("undefined", {}).get(metric, "not a number")
        other = _number(baseline[metric], why) if baseline and metric in baseline else "-"
        table.add_row(plain(metric), _number(value, why), other)
    console.print()
    console.print(table)
    if unlabelled := report.get("unlabelled"):  # older reports do not have it
        console.print(f"  left out: {unlabelled:,} rows without a label", highlight=False)
    parts = [one for one in report["verdicts"] if _is_part(one)]
    for verdict in report["verdicts"]:
        if verdict["passed"] and verdict not in parts:
            _line(console, "✓", f"{verdict['criterion']}: {reasons.numbers(verdict)}")
    _list(console, "✗", reasons.of_model(report))
    if parts:
        held = sum(one["decides"] and one["passed"] for one in parts)
        small = sum(not one["decides"] for one in parts)
        console.print(
            f"  {held} parts of the data hold too; {small} are too small to decide", highlight=False
        )


def show_serving(console: Console, report: Report) -> None:
    """Prints the exported model's latency, and its failed checks."""
    latency = report["latency"].get("serving_default")
    speed = f", p95 {latency['p95_ms']:.1f} ms a row" if latency else ""
    if report["blessed"]:
        asked = f"{report['requests']} recorded requests over gRPC and REST"
        text = f"serves {asked} as in training{speed}"
        _line(console, "✓", text)
    _list(console, "✗", reasons.of_serving(report))


def _is_part(verdict: Report) -> bool:
    return verdict["rows"] is not None and "all rows" not in verdict["criterion"]


def _list(console: Console, mark: str, lines: Iterable[str]) -> None:
    for line in lines:
        _line(console, mark, line)


def _line(console: Console, mark: str, text: str) -> None:
    color = {"✓": "green", "✗": "red", "~": "yellow"}[mark]
    console.print(
        f"  [{color}]{mark}[/{color}] {plain(text, MOST)}", highlight=False, soft_wrap=True
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        is_text = column in ("metric", "largest drift")
        # The text wraps on a narrow terminal, and the numbers do not.
        table.add_column(column, justify="left" if is_text else "right", no_wrap=not is_text)
    return table


def _largest_drift(drifts: list[Report]) -> str:
    """Returns the drift that is the largest share of its threshold."""
    if not drifts:
        return "-"
    worst = max(drifts, key=lambda drift: drift["value"] / (drift["threshold"] or 1))
    high = len({drift["feature"] for drift in drifts if drift["exceeded"]})
    text = f"{plain(worst['feature'])} {worst['value']:.3f} of {worst['threshold']:g}"
    return text + (f" [yellow]({high} high)[/yellow]" if high else "")


def _number(value: float | None, why: str) -> str:
    if value is None:
        return why
    return f"{value:.0f}" if value.is_integer() else f"{value:.4f}"
