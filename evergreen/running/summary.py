"""What a person sees of a run: the plan before, the summary after."""

from ml_metadata.metadata_store import MetadataStore
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evergreen.lineage.registry import Registry
from evergreen.planning.plan import Outcome, RunRecord
from evergreen.running.outcome import Report, RunReader, span_report
from evergreen.settings import Settings
from evergreen.spans import list_spans

NEXT_STEPS = {
    Outcome.EXPERIMENT: "leave --experiment away to push it",
    Outcome.DATA_REFUSED: "correct the data upstream and land it as a new version "
    "(evergreen data land), or change the schema if the data is right",
    Outcome.MODEL_REFUSED: "compare the numbers above with pipeline/criteria.py",
}


def show_plan(console: Console, record: RunRecord) -> None:
    """Prints what a run is going to do."""
    console.print(f"[bold]run {record.run_id}[/bold]  on the {record.orchestrator} orchestrator")
    ingest = ", ".join(str(span.number) for span in record.to_ingest)
    window = ", ".join(str(span.number) for span in record.window)
    baseline = f"version {record.baseline.version}" if record.baseline else "none yet"
    version = record.model_version or "none: an experiment is never pushed"
    console.print(f"  ingest     spans {ingest}" if ingest else "  ingest     nothing: all are in")
    console.print(f"  train on   spans {window}", highlight=False)
    console.print(f"  baseline   {baseline}", highlight=False)
    console.print(f"  version    {version}", highlight=False)


def show_summary(
    console: Console, settings: Settings, store: MetadataStore, record: RunRecord
) -> None:
    """Prints what came of a run: data, metrics, gates, what was pushed, and what to do next."""
    console.print()
    reports = [span_report(store, span.ingest_key) for span in record.window]
    console.print(_data_table([report for report in reports if report]))
    for report in reports:
        if report and not report["blessed"]:
            _show_findings(console, report)
    if record.outcome is not Outcome.DATA_REFUSED:
        trained = RunReader(store, record.pipeline, f"{record.run_id}.train")
        console.print(_metrics_table(trained.report("ModelGate")))
        _show_verdicts(console, trained.report("ModelGate"))
        if trained.wholly_cached:
            console.print("everything came from the cache: same data, same code, same settings.")
    _show_outcome(console, settings, store, record)


def _data_table(reports: list[Report]) -> Table:
    table = _table("data")
    for column in ("span", "rows", "of test", "refused", "anomalies"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("largest drift", no_wrap=True)
    for report in reports:
        rows = report["rows"]
        table.add_row(
            str(report["span"]),
            str(sum(rows.values())),
            str(rows["test"]),
            str(report["refused_rows"]),
            str(len(report["findings"])),
            _largest_drift(report["drift"]),
        )
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)


def _largest_drift(drifts: list[Report]) -> str:
    """The drift that is the largest part of its threshold."""
    if not drifts:
        return "-"
    worst = max(drifts, key=lambda drift: drift["value"] / (drift["threshold"] or 1))
    high = sum(drift["value"] > drift["threshold"] for drift in drifts)
    text = f"{escape(worst['feature'])} {worst['value']:.3f} of {worst['threshold']:g}"
    return text + (f" [yellow]({high} high)[/yellow]" if high else "")


def _show_findings(console: Console, report: Report) -> None:
    console.print(f"[red]span {report['span']} is refused by the data gate:[/red]")
    for finding in report["findings"]:
        values = f" (such as {', '.join(finding['values'])})" if finding["values"] else ""
        text = f"{finding['count']} of {finding['rows']} rows. {finding['description']}{values}"
        feature = escape(finding["feature"]) or "data set"
        console.print(
            f"  [bold]{feature}[/bold]  {finding['kind']}: {escape(text)}", highlight=False
        )


def _metrics_table(report: Report) -> Table:
    table = _table("model, on the test split")
    baseline = report["baseline"]
    name = f"baseline (version {report['baseline_version']})" if baseline else "baseline (none)"
    for column in ("metric", "candidate", name):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for metric, value in report["candidate"].items():
        other = _number(baseline[metric]) if baseline and metric in baseline else "-"
        table.add_row(metric, _number(value), other)
    return table


def _number(value: float | None) -> str:
    if value is None:
        return "not a number"
    return f"{value:.0f}" if value.is_integer() else f"{value:.4f}"


def _show_verdicts(console: Console, report: Report) -> None:
    """Prints what decided; of the parts of the data only those that speak against the model."""
    undecided = [verdict for verdict in report["verdicts"] if not verdict["decides"]]
    for verdict in report["verdicts"]:
        overall = verdict["rows"] is None or "all rows" in verdict["criterion"]
        if verdict["decides"] and (overall or not verdict["passed"]):
            mark = "[green]✓[/green]" if verdict["passed"] else "[red]✗[/red]"
            text = f"{mark} {escape(verdict['criterion'])}: {_numbers(verdict)}"
            console.print(f"  {text}", highlight=False, soft_wrap=True)
    parts = [
        one for one in report["verdicts"] if one["rows"] and "all rows" not in one["criterion"]
    ]
    held = sum(one["decides"] and one["passed"] for one in parts)
    if parts:
        console.print(
            f"  {held} parts of the data hold too; {len(undecided)} are too small to decide",
            highlight=False,
        )


def _numbers(verdict: Report) -> str:
    if verdict["value"] is None:
        return "missing"
    if verdict["interval"] is None:
        return f"{verdict['value']:.4f}"
    low, high = verdict["interval"]
    return f"{verdict['improvement']:+.4f} ({low:+.4f} to {high:+.4f})"


def _show_outcome(
    console: Console, settings: Settings, store: MetadataStore, record: RunRecord
) -> None:
    path = escape(str(settings.serving.base_path / str(record.model_version)))
    version = f"version {record.model_version}"
    serving = Registry(store, settings.model.name).serving()
    serves = f"version {serving.version} is serving" if serving else "nothing is serving yet"
    lines = {
        Outcome.PUSHED: f"[green]pushed[/green] {version} to {path}",
        Outcome.UNCHANGED: f"nothing was pushed: {version} is there already, at {path}",
        Outcome.EXPERIMENT: "an experiment: nothing was pushed",
        Outcome.DATA_REFUSED: "[red]stopped by the data gate[/red]: nothing was pushed",
        Outcome.MODEL_REFUSED: "[red]refused by the model gate[/red]: nothing was pushed",
    }
    assert record.outcome is not None
    console.print(f"{lines[record.outcome]}; {serves}.", highlight=False, soft_wrap=True)
    next_step = NEXT_STEPS.get(record.outcome) or _more_data(settings, record)
    console.print(f"next: {next_step}", highlight=False, soft_wrap=True)


def _more_data(settings: Settings, record: RunRecord) -> str:
    first, last = record.window[0].number, record.window[-1].number
    later = [span.number for span in list_spans(settings.data.span_root) if span.number > last]
    if later:
        return f"train on more data: evergreen run --spans {first}-{later[0]}"
    return f"when there is new data: evergreen data land FILE --span {last + 1}"
