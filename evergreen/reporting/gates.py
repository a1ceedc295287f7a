"""The verdict of every gate of a run, whether it was reached or not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from evergreen.lineage.run_artifacts import RunReading, SpanReader
from evergreen.runs.reports.model import ModelReport
from evergreen.runs.reports.model import Verdict as Judged
from evergreen.runs.reports.report import Report
from evergreen.runs.reports.serving import Check, ServingReport
from evergreen.texts import many


@dataclass(frozen=True)
class Verdict:
    """A gate's verdict.

    Attributes:
        gate: Its name, with the subject of the verdict.
        section: The section of the page with the details.
        word: `passed`, `refused` or `not run`.
        text: The grounds, in a line.
    """

    gate: str
    section: str
    word: str
    text: str

    @property
    def kind(self) -> str:
        """The kind of mark: `good`, `bad`, or `same` for none."""
        return {"passed": "good", "refused": "bad"}.get(self.word, "same")

    @classmethod
    def of(cls, gate: str, section: str, report: Report | None, text: str) -> Self:
        """Returns the verdict in a gate's report."""
        if report is None:
            return cls(gate, section, "not run", "It did not run.")
        return cls(gate, section, "passed" if report.blessed else "refused", text)


@dataclass(frozen=True)
class Criteria:
    """The model gate's verdicts: failed ones first, those that cannot decide apart."""

    deciding: Sequence[Judged]
    undecided: Sequence[Judged]

    @classmethod
    def of(cls, report: ModelReport) -> Self:
        """Sorts the verdicts of a report."""
        found = sorted(report.verdicts, key=lambda verdict: verdict.passed)
        undecided = [verdict for verdict in found if not verdict.decides]
        return cls([verdict for verdict in found if verdict.decides], undecided)


def verdicts(reading: RunReading) -> list[Verdict]:
    """Returns the verdict of every gate, in the order of a run."""
    model, serving = reading.report(ModelReport), reading.report(ServingReport)
    return [
        *(_data(span, reading) for span in reading.spans),
        Verdict.of("Model gate", "model-gate", model, _model(model) if model else ""),
        Verdict.of("Serving validation", "serving", serving, _serving(serving) if serving else ""),
    ]


def _data(span: SpanReader, reading: RunReading) -> Verdict:
    report = span.report
    name = f"Data gate, span {span.ref.number}"
    if report is None:
        return Verdict.of(name, "data", None, "")
    rows = many(report.all_rows, "row delivered", "rows delivered")
    refusing, drifted = len(report.refusing), len(report.drifted)
    text = f"{many(refusing, 'finding')} against it" if refusing else "nothing against it"
    text += f"; {many(drifted, 'feature')} drifted, which refuses nothing" if drifted else ""
    earlier = "" if span.ref.label in reading.parts else "; ingested by an earlier run"
    return Verdict.of(name, "data", report, f"{rows}: {text}{earlier}.")


def _model(report: ModelReport) -> str:
    criteria = Criteria.of(report)
    held = sum(verdict.passed for verdict in criteria.deciding)
    text = (
        f"{held} of {many(len(criteria.deciding), 'deciding criterion', 'deciding criteria')} hold"
    )
    if criteria.undecided:
        parts = many(len(criteria.undecided), "part is", "parts are")
        text += f"; {parts} too small to decide"
    return f"{text}{_against(report.baseline_version)}."


def _serving(report: ServingReport) -> str:
    held = len(report.checks) - len(report.failed)
    checks = many(len(report.checks), "check")
    requests = many(report.requests, "request")
    return f"{held} of {checks} hold, with {requests} of {many(report.rows, 'row')} in all."


def _against(version: int | None) -> str:
    return f", against version {version}" if version else "; no version was serving to compare with"


def failed_first(checks: Iterable[Check]) -> list[Check]:
    """Returns the checks of serving validation, failed ones first."""
    return sorted(checks, key=lambda check: check.passed)
