"""The reasons for the gates' decisions, in words and numbers, for terminal and page."""

from collections.abc import Iterator
from typing import Any

Report = dict[str, Any]
"""The `report.json` of a gate."""
DRIFT = "DRIFT"


def of_data(report: Report) -> Iterator[str]:
    """Yields a line for each finding that refuses a span."""
    for finding in report["findings"]:
        if finding["refuses"]:
            yield (
                f"{finding['feature'] or 'data set'} {finding['kind']}: "
                f"{finding['count']} of {finding['rows']} rows. {finding['description']}"
                + _such_as(finding["values"])
            )


def of_drift(report: Report) -> Iterator[str]:
    """Yields a line for each distance beyond its threshold, which refuses nothing."""
    for finding in report["findings"]:
        if finding["kind"] == DRIFT:
            yield f"{finding['feature']} {finding['kind']}: {finding['description']}"


def of_warnings(report: Report) -> Iterator[str]:
    """Yields a line for each other finding that refuses nothing."""
    for finding in report["findings"]:
        if not finding["refuses"] and finding["kind"] != DRIFT:
            yield f"{finding['feature']} {finding['kind']}: {finding['description']}"


def of_model(report: Report) -> Iterator[str]:
    """Yields a line for each criterion that a candidate does not meet."""
    for verdict in report["verdicts"]:
        if not verdict["passed"]:
            rows = f", {verdict['rows']} rows" if verdict["rows"] else ""
            yield f"{verdict['criterion']}: {numbers(verdict)}{rows}"


def of_serving(report: Report) -> Iterator[str]:
    """Yields a line for each check that the exported model fails."""
    for check in report["checks"]:
        if not check["passed"]:
            yield f"{check['criterion']}: {check['detail']}"


def numbers(verdict: Report) -> str:
    """Returns the numbers behind a verdict of the model gate."""
    if verdict["value"] is None:
        return verdict.get("undefined") or "missing"
    if verdict["interval"] is None:
        return f"{verdict['value']:.4f}"
    low, high = verdict["interval"]
    word = "better" if verdict["improvement"] >= 0 else "worse"
    return f"{verdict['improvement']:+.4f} ({low:+.4f} to {high:+.4f}), {word}"


def _such_as(values: list[str]) -> str:
    return f" (such as {', '.join(values)})" if values else ""
