"""Shows the plan before a run, and the summary after it."""

import logging
from collections.abc import Callable

from ml_metadata.metadata_store import MetadataStore
from rich.console import Console
from rich.markup import escape

from evergreen.lineage.registry import Registry
from evergreen.lineage.run_artifacts import RunReading
from evergreen.planning.identity import not_covered
from evergreen.reporting import report_path
from evergreen.running.outcome import gate_report
from evergreen.running.tables import show_data, show_model, show_serving
from evergreen.runs import summaries
from evergreen.runs.plan import Outcome, RunRecord
from evergreen.runs.reports.model import ModelReport
from evergreen.runs.reports.serving import ServingReport
from evergreen.screen import next_step, suggestion
from evergreen.settings import Settings
from evergreen.spans import list_spans
from evergreen.texts import moment, plain

log = logging.getLogger(__name__)
NEXT_STEPS = {
    Outcome.PUSHED: "serve it: evergreen serve; what is exposed: evergreen models",
    Outcome.EXPERIMENT: "leave --experiment away to push it",
    Outcome.DATA_REFUSED: "correct the data upstream and land it as a new version "
    "(evergreen data land), or change the schema if the data is right",
    Outcome.MODEL_REFUSED: "compare the numbers above with gates.model in the settings",
    Outcome.SERVING_REFUSED: "correct the export, or the budget in the settings' gates.serving; a "
    "change of the signature is declared there",
}


def show_plan(console: Console, settings: Settings, record: RunRecord) -> None:
    """Prints the plan of a run, and the dependencies whose changes the cache does not notice."""
    resumed = f", taken up again from {moment(record.created)}" if record.resumed else ""
    console.print(
        f"[bold]run {record.run_id}[/bold]  on the {record.orchestrator} orchestrator{resumed}"
    )
    ingest = ", ".join(map(summaries.named, record.to_ingest))
    console.print(f"  ingest     spans {ingest}" if ingest else "  ingest     nothing: all are in")
    console.print(f"  train on   {summaries.trained_on(record)}", highlight=False)
    console.print(f"  baseline   {summaries.baseline(record)}", highlight=False)
    console.print(f"  version    {summaries.version(record)}", highlight=False)
    if outside := not_covered(settings):
        console.print(
            "  [yellow]not part of what the cache knows[/yellow], if it changes: --no-cache"
        )
        for place in outside:
            console.print(f"    {plain(place)}", highlight=False, soft_wrap=True)


def show_part(console: Console, what: str, run_id: str, show: Callable[[], object]) -> None:
    """Shows a result; a failure to show it neither changes the outcome nor hides the rest."""
    try:
        show()
    except Exception as error:
        log.exception("the %s of run %s", what, run_id)
        reason = plain(f"{type(error).__name__}: {error}")
        console.print(f"[yellow]no {what} was written[/yellow]: {reason}")
        told = suggestion(f"to write it: evergreen report {run_id}")
        console.print(f"  {escape(told)}", highlight=False, soft_wrap=True)


def show_summary(
    console: Console, settings: Settings, store: MetadataStore, record: RunRecord
) -> None:
    """Prints the results of a run: data, metrics, gates, the pushed version, and the next step."""
    console.print()
    reading = RunReading(store, record)

    def data() -> None:
        show_data(console, [span.report for span in reading.spans if span.report])

    def model() -> None:
        if reading.train:
            show_model(console, gate_report(reading.train, ModelReport))

    def serving() -> None:
        if reading.train:
            show_serving(console, gate_report(reading.train, ServingReport))

    for what, show in (("data", data), ("model", model), ("serving validation", serving)):
        show_part(console, f"table of the {what}", record.run_id, show)
    if reading.train and reading.train.wholly_cached:
        console.print("everything came from the cache: same data, same code, same settings.")
    _show_outcome(console, settings, store, record)


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
        Outcome.INGESTED: "ingested; no training was asked for",
        Outcome.DATA_REFUSED: "[red]stopped by the data gate[/red]: nothing was pushed",
        Outcome.MODEL_REFUSED: "[red]refused by the model gate[/red]: nothing was pushed",
        Outcome.SERVING_REFUSED: "[red]refused by serving validation[/red]: nothing was pushed",
    }
    assert record.outcome is not None
    console.print(f"{lines[record.outcome]}; {serves}.", highlight=False, soft_wrap=True)
    page = report_path(settings, record.run_id)
    console.print(f"report: {escape(str(page))}", highlight=False, soft_wrap=True)
    next_step(NEXT_STEPS.get(record.outcome) or _more_data(settings, record), console)


def _more_data(settings: Settings, record: RunRecord) -> str:
    first, last = record.window[0].number, record.window[-1].number
    later = [span.number for span in list_spans(settings.data.span_root) if span.number > last]
    if later:
        return f"train on more data: evergreen run --spans {first}-{later[0]}"
    return f"when there is new data: evergreen data land FILE --span {last + 1}"
