"""The outcome of a run in words, as the headline of its report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evergreen.lineage.run_artifacts import RunReading
from evergreen.lineage.stages import Action, Event, Stage
from evergreen.runs import sentences
from evergreen.runs.plan import Outcome
from evergreen.runs.reports.model import ModelReport
from evergreen.runs.reports.serving import ServingReport
from evergreen.texts import many

NOTHING_PUSHED = "Nothing was pushed; what serves goes on serving."


@dataclass(frozen=True)
class Headline:
    """The outcome of a run.

    Attributes:
        title: A few words.
        kind: `good`, `same` (nothing changed), `warn` or `bad`.
        why: The reason, with numbers.
        reasons: All reasons of a refusal or a failure.
    """

    title: str
    kind: str
    why: str
    reasons: Sequence[str] = ()


def headline(reading: RunReading, events: Sequence[Event]) -> Headline:
    """Returns the headline of a run.

    Args:
        reading: The run.
        events: The log of its model.
    """
    outcome = reading.record.outcome
    if outcome is Outcome.PUSHED:
        return _pushed(reading, events)
    return _OTHERS[outcome](reading) if outcome else _unended(reading)


def _pushed(reading: RunReading, events: Sequence[Event]) -> Headline:
    version = reading.record.model_version
    stage = next(
        (
            event.stage
            for event in events
            if event.action is Action.REGISTER and event.model.version == version
        ),
        None,
    )
    ends = {Stage.SERVING: "pushed and is serving", None: "pushed"}
    title = f"Version {version} was {ends.get(stage, f'pushed as {stage}')}"
    return Headline(title, "good", f"It passed every gate. {_model(reading)}{_drifted(reading)}")


def _unchanged(reading: RunReading) -> Headline:
    version = f"version {reading.record.model_version}"
    cached = all(part.wholly_cached for part in reading.parts.values())
    why = (
        "Everything came from the cache: same data, same code, same settings."
        if cached
        else "The same training has made it before."
    )
    return Headline(f"Nothing new: {version} was pushed before", "same", why)


def _experiment(reading: RunReading) -> Headline:
    why = f"It passed every gate, and was never to be pushed. {_model(reading)}"
    return Headline("An experiment that passed, not pushed", "good", why)


def _ingested(reading: RunReading) -> Headline:
    spans = many(len(reading.record.window), "span")
    return Headline("Ingested", "good", f"{spans} passed the data gate; no training was asked for.")


def _data_refused(reading: RunReading) -> Headline:
    refused = [span for span in reading.spans if span.report and not span.report.blessed]
    if not refused or not (report := refused[0].report):
        return Headline("Refused by the data gate", "bad", NOTHING_PUSHED)
    bad = report.refusing
    features = ", ".join(dict.fromkeys(finding.feature or "the data set" for finding in bad))
    rows = many(report.all_rows, "row delivered", "rows delivered")
    verb = "speaks" if len(bad) == 1 else "speak"
    why = (
        f"{many(len(bad), 'finding')} in {rows} {verb} against it, so training did not start. "
        f"{NOTHING_PUSHED}"
    )
    title = f"Span {refused[0].ref.number} was refused by the data gate: {features}"
    return Headline(title, "bad", why, list(sentences.of_data(report)))


def _model_refused(reading: RunReading) -> Headline:
    report = reading.report(ModelReport)
    if report is None:
        return Headline("Refused by the model gate", "bad", NOTHING_PUSHED)
    failed = report.failed
    deciding = sum(verdict.decides for verdict in report.verdicts)
    first, more = sentences.in_short(failed[0]), len(failed) - 1
    title = f"Refused by the model gate: {first}" + (f", and {more} more" if more else "")
    verb = "does" if len(failed) == 1 else "do"
    why = (
        f"{len(failed)} of the {deciding} criteria that decide {verb} not hold. "
        f"{sentences.compared(report)} {NOTHING_PUSHED}"
    )
    return Headline(title, "bad", why, list(sentences.of_model(report)))


def _serving_refused(reading: RunReading) -> Headline:
    report = reading.report(ServingReport)
    if report is None:
        return Headline("Refused by serving validation", "bad", NOTHING_PUSHED)
    failed = [check.criterion for check in report.failed]
    why = (
        f"The model passed the model gate. Served as it was exported, it fails {len(failed)} of "
        f"{many(len(report.checks), 'check')}. {NOTHING_PUSHED}"
    )
    title = f"Refused by serving validation: {', '.join(failed)}"
    return Headline(title, "bad", why, list(sentences.of_serving(report)))


def _failed(reading: RunReading) -> Headline:
    nodes = [node for part in reading.parts.values() for node in part.nodes.values()]
    errors = [f"{node.node_id}: {node.error or 'no reason is recorded'}"
              for node in nodes if node.state == "failed"]  # fmt: skip
    names = ", ".join(node.node_id for node in nodes if node.state == "failed")
    why = (
        "The log has the traceback. When the cause is gone, it goes on from there: "
        f"evergreen resume {reading.record.run_id}"
    )
    if not errors:
        why = f"No node failed: what went wrong was between them, or before the first. {why}"
    return Headline(f"Failed in {names}" if names else "The run failed", "bad", why, errors)


def _interrupted(reading: RunReading) -> Headline:
    nodes = [node for part in reading.parts.values() for node in part.nodes.values()]
    at = ", ".join(node.node_id for node in nodes if node.state == "canceled")
    done = sum(node.succeeded for node in nodes)
    why = (
        f"{many(done, 'node')} had finished, and what was pushed before is untouched. It goes on "
        f"from there: evergreen resume {reading.record.run_id}"
    )
    return Headline(f"Interrupted in {at}" if at else "Interrupted", "warn", why)


def _unended(reading: RunReading) -> Headline:
    started = sum(len(part.nodes) for part in reading.parts.values())
    why = f"{many(started, 'node')} had started when this was written. Write it again later."
    return Headline("Not ended: it is still running, or was killed", "warn", why)


def _model(reading: RunReading) -> str:
    report = reading.report(ModelReport)
    return sentences.compared(report) if report else ""


def _drifted(reading: RunReading) -> str:
    """Returns the drifted features of the spans that this run ingested."""
    new = [span for span in reading.spans if span.ref in reading.record.to_ingest and span.report]
    drifted = {span.ref.number: span.report.drifted for span in new if span.report}
    return "".join(
        f" Span {span} has drifted in {', '.join(features)}."
        for span, features in drifted.items()
        if features
    )


_OTHERS: dict[Outcome, Callable[[RunReading], Headline]] = {
    Outcome.UNCHANGED: _unchanged,
    Outcome.EXPERIMENT: _experiment,
    Outcome.INGESTED: _ingested,
    Outcome.DATA_REFUSED: _data_refused,
    Outcome.MODEL_REFUSED: _model_refused,
    Outcome.SERVING_REFUSED: _serving_refused,
    Outcome.FAILED: _failed,
    Outcome.INTERRUPTED: _interrupted,
}
