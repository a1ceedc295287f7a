"""Sentences on the gates' reports, for the terminal, the pages, the monitor and the dashboard."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evergreen.texts import many

if TYPE_CHECKING:
    from evergreen.runs.reports.data import DataReport, Finding
    from evergreen.runs.reports.model import ModelReport, Verdict
    from evergreen.runs.reports.serving import Check, ServingReport

NOT_WORSE = " not worse than the baseline's by "


def of_data(report: "DataReport") -> Iterator[str]:
    """Yields a line for each finding that refuses a span."""
    for finding in report.refusing:
        values = f" (such as {', '.join(finding.values)})" if finding.values else ""
        yield (
            f"{finding.feature or 'data set'} {finding.kind}: "
            f"{finding.count} of {finding.rows} rows. {finding.description}{values}"
        )


def of_drift(report: "DataReport") -> Iterator[str]:
    """Yields a line for each distance beyond its threshold; it refuses nothing."""
    yield from (_recorded(finding) for finding in report.findings if finding.is_drift)


def of_warnings(report: "DataReport") -> Iterator[str]:
    """Yields a line for each other finding that refuses nothing."""
    for finding in report.findings:
        if not finding.refuses and not finding.is_drift:
            yield _recorded(finding)


def of_model(report: "ModelReport") -> Iterator[str]:
    """Yields a line for each criterion that a candidate does not meet."""
    for verdict in report.failed:
        rows = f", {verdict.rows} rows" if verdict.rows else ""
        yield f"{criterion(verdict)}: {numbers(verdict)}{rows}"


def of_serving(report: "ServingReport") -> Iterator[str]:
    """Yields a line for each check that the exported model fails."""
    for check in report.failed:
        yield f"{check.criterion}: {check.detail or _beyond(check)}"


def compared(report: "ModelReport") -> str:
    """Compares the candidate on all rows: with the baseline, or with the bounds alone."""
    found = [verdict for verdict in report.verdicts if verdict.compares and not verdict.is_of_part]
    if not found:
        held = (f"{criterion(verdict)}: {numbers(verdict)}" for verdict in report.verdicts)
        return f"No version was serving to compare with. {'; '.join(held)}."
    improvements = (f"{verdict.metric} {numbers(verdict)}" for verdict in found)
    rows = many(found[0].rows or 0, "test row")
    return f"Against version {report.baseline_version} on {rows}: {'; '.join(improvements)}."


def criterion(verdict: "Verdict") -> str:
    """Returns what a candidate was held to."""
    if verdict.margin is None:
        return f"{measure(verdict)} {limit(verdict)}"
    return f"{measure(verdict)}{NOT_WORSE}{verdict.margin:g}"


def measure(verdict: "Verdict") -> str:
    """Returns the measure of a verdict, and on which rows."""
    return verdict.metric if verdict.margin is None else f"{verdict.metric} on {verdict.slice}"


def limit(verdict: "Verdict") -> str:
    """Returns the limit of the measure."""
    if verdict.margin is not None:
        return f"{verdict.margin:g} worse"
    if verdict.at_least is not None:
        return f"at least {verdict.at_least:g}"
    return f"at most {verdict.at_most:g}"


def in_short(verdict: "Verdict") -> str:
    """Returns a few words on a criterion that does not hold, for a title."""
    return f"worse on {verdict.slice}" if verdict.compares else f"not {criterion(verdict)}"


def numbers(verdict: "Verdict") -> str:
    """Returns the numbers that a verdict rests on."""
    if verdict.value is None:
        return verdict.undefined or "missing"
    if verdict.interval is None or verdict.improvement is None:
        return f"{verdict.value:.4f}"
    low, high = verdict.interval
    word = "better" if verdict.improvement >= 0 else "worse"
    return f"{verdict.improvement:+.4f} ({low:+.4f} to {high:+.4f}), {word}"


def _beyond(check: "Check") -> str:
    value = "missing" if check.value is None else f"{check.value:.6g}"
    return value if check.limit is None else f"{value}, and at most {check.limit:g} is allowed"


def _recorded(finding: "Finding") -> str:
    return f"{finding.feature} {finding.kind}: {finding.description}"
