"""Sentences on the gates' reports, for the terminal, the pages, the monitor and the dashboard."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evergreen.quality.mismatch import percent
from evergreen.settings.task import Task
from evergreen.texts import ROUNDING, many, shorten, signed
from evergreen.texts import percent as share

if TYPE_CHECKING:
    from evergreen.runs.reports.data import Change, DataReport, Drift, Finding
    from evergreen.runs.reports.model import ModelReport, Verdict
    from evergreen.runs.reports.serving import Check, Criterion, ServingReport

AGAINST = {"previous": "the span before", "window": "the earlier spans of the window"}
DISTANCES = {
    "L_INFTY": "an L-infinity distance",
    "JENSEN_SHANNON_DIVERGENCE": "a Jensen-Shannon divergence",
    "NORMALIZED_ABSOLUTE_DIFFERENCE": "a normalized absolute difference",
}
PANDAS_INDEX = re.compile(r"''|index|Unnamed: \d+|__index_level_\d+__")
CHECKS = {
    "read": "the SavedModel can be read",
    "task": "{signature}: declares the answer of its task",
    "clients": "clients of version {version} can go on",
    "requests": "{signature}: requests can be made from test rows",
    "loads here": "the model loads in this process",
    "load seconds": "seconds to load in the model server",
    "answered": "{signature}: every request is answered over {way}",
    "well-formed": "{signature}: answers have the declared names, dtypes and shapes",
    "finite": "{signature}: answers are finite numbers",
    "as here": "{signature}: answers over {way} as in this process",
    "batches": "{signature}: rows alone as in batches",
    "as signature": "{signature}: answers as {other}",
    "latency": "{signature}: p95 of one row in ms over gRPC",
    "memory": "memory of the model server in MB",
}
MOST = 100
"""The longest list of classes, in characters."""
NOT_WORSE = " not worse than the baseline's by "


def of_data(report: "DataReport") -> Iterator[str]:
    """Yields a line for each finding that refuses a span."""
    for finding in report.refusing:
        values = f" (such as {', '.join(finding.values)})" if finding.values else ""
        yield (
            f"{finding.feature or 'data set'} {finding.kind}: "
            f"{counted(finding)}. {finding.description}{values}"
        )


def description(finding: "Finding") -> str:
    """Returns what was expected of a span, and what was found."""
    where = f", in {' and '.join(finding.splits)}" if finding.splits else ""
    if finding.mismatch:
        words = finding.mismatch.words(finding.kind, finding.count, finding.rows, finding.values)
        return words + where + _of_pandas(finding)
    if finding.said:
        return finding.said + where
    if finding.drift and finding.change:
        return _drifted(finding.drift, finding.change)
    return _of_rows(finding)


def counted(finding: "Finding") -> str:
    """Returns the rows that a finding concerns, and of which rows: not all findings look at all."""
    among = {"ROWS_REFUSED": " delivered", "MISSING_IN_WORDS": " with a value"}
    of = f" of {' and '.join(finding.splits)}" if finding.splits else ""
    rows = f"{many(finding.rows, 'row')}{among.get(finding.kind, '')}{of}"
    return f"{finding.count:,} of {rows} ({share(finding.count / finding.rows)})"


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


def predicted(task: Task, classes: Sequence[str]) -> str:
    """Returns what a model predicts."""
    names = ", ".join(classes)
    if task is Task.MULTICLASS:
        return f"one of {many(len(classes), 'class', 'classes')}: {shorten(names, MOST)}"
    return "a value" if task is Task.REGRESSION else "label 1 or not"


def of_serving(report: "ServingReport") -> Iterator[str]:
    """Yields a line for each check that the exported model fails."""
    for check in report.failed:
        yield f"{check.criterion}: {check.detail or _beyond(check)}"


def of_criterion(criterion: "Criterion") -> str:
    """Returns what an exported model is checked for."""
    return CHECKS[criterion.kind].format_map(criterion.model_dump())


def detail(check: "Check") -> str:
    """Returns the faults that a check found, or how exact the answers are."""
    if check.of is None or not check.faults:
        return _exactness(check)
    # Faults are counted; otherwise the value is a measurement, and there is one fault.
    left = int(check.value or 0) - len(check.faults) if check.limit == 0 else 0
    faults = "; ".join(check.faults) + (f"; and {left} more" if left > 0 else "")
    if check.of.kind != "clients":
        return faults
    declared = f"may_break={check.of.version}"
    if check.passed:
        return f"declared by {declared}: {faults}"
    return f"{faults}. If all of them are ready for it, declare {declared}"


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
    low, high = map(signed, verdict.interval)
    return f"{signed(verdict.improvement)} ({low} to {high}), {difference(verdict)}"


def difference(verdict: "Verdict") -> str:
    """Returns what a comparison found, by its whole interval."""
    if verdict.interval is None:
        return "not known"
    low, high = verdict.interval
    if not verdict.passed:
        return "worse"
    if low > -ROUNDING and high < ROUNDING:
        return "the same"
    if low > 0:
        return "better"
    return f"worse, within {verdict.margin:g}" if high < 0 else "no sure difference"


def _beyond(check: "Check") -> str:
    value = "missing" if check.value is None else f"{check.value:.6g}"
    return value if check.limit is None else f"{value}, and at most {check.limit:g} is allowed"


def _recorded(finding: "Finding") -> str:
    return f"{finding.feature} {finding.kind}: {finding.description}"


def _of_pandas(finding: "Finding") -> str:
    """Returns a remark if a column is pandas' index, which is probably delivered by mistake."""
    is_index = finding.kind == "SCHEMA_NEW_COLUMN" and PANDAS_INDEX.fullmatch(finding.feature)
    return "; it is pandas' index: write the file with index=False" if is_index else ""


def _drifted(drift: "Drift", change: "Change") -> str:
    moved = f"the mean went from {change.before:.5g} to {change.now:.5g}"
    if change.value is not None:
        shares = f"{percent(change.before)} to {percent(change.now)}"
        moved = f"{change.value} went from {shares} of the values"
    return (
        f"expected {DISTANCES[drift.measure]} of at most {drift.threshold:g} from "
        f"{AGAINST[drift.against]}; found {distance(drift)}: {moved}"
    )


def distance(drift: "Drift") -> str:
    """Returns a distance with its interval, if it has one."""
    if drift.interval is None:
        return f"{drift.value:.4g}"
    low, high = drift.interval
    return f"{drift.value:.4g} ({low:.4g} to {high:.4g})"


def _places(finding: "Finding") -> str:
    places = [f"{example['file']} row {example['row']}" for example in finding.examples]
    return ", ".join(places) + (", ..." if finding.count > len(places) else "")


def _of_rows(finding: "Finding") -> str:
    if finding.reason:
        return f"the value {finding.reason}: {_places(finding)}"
    if finding.kind == "MISSING_IN_WORDS":
        share = percent(round(finding.count / finding.rows, 4))
        return (
            f"{finding.values[0]!r} is {share} of the values, and reads like a missing one: list "
            "it in data.missing, or in the column's domain if it is meant"
        )
    if finding.kind == "SPLIT_EMPTY":
        split = " and ".join(finding.splits)
        return (
            f"expected rows in each split; found none in {split}: "
            "there are too few, or keys that repeat"
        )
    return ""


def _exactness(check: "Check") -> str:
    if check.of is None or check.of.kind not in ("as here", "as signature"):
        return ""
    if check.value is None:
        return "they differ in more than numbers"
    return "not bit for bit" if check.value else "bit for bit"
