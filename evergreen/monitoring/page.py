"""Renders a result as a self-contained page."""

from itertools import groupby

from markupsafe import Markup

from evergreen.monitoring.results import Kind, MonitoringResult
from evergreen.reporting.charts import canvas, drift
from evergreen.reporting.environment import environment
from evergreen.reporting.gaps import page
from evergreen.runs.reports.data import Against, Drift
from evergreen.texts import many

LABEL = "Distances by feature, as a share of their limits"
AGAINST: dict[Kind, Against] = {Kind.DRIFT: "previous", Kind.SKEW: "window"}
"""The marks of the chart that it shares with the report of a run."""


def render(result: MonitoringResult, run_id: str) -> str:
    """Returns the page as HTML.

    Args:
        result: The monitoring result.
        run_id: The run that made the model; empty if unknown.
    """
    title = many(len(result.fired), "finding") + " fired" if result.fired else "Nothing fired"
    return page(title, lambda: _render(result, run_id, title))


def _render(result: MonitoringResult, run_id: str, title: str) -> str:
    order = list(Kind)
    findings = sorted(
        result.findings, key=lambda finding: (order.index(finding.kind), not finding.fired)
    )
    return (
        environment()
        .get_template("monitoring.html.j2")
        .render(
            result=result,
            title=title,
            run_id=run_id,
            kinds={
                kind: list(found) for kind, found in groupby(findings, lambda finding: finding.kind)
            },
            chart=_chart(result),
            keys=canvas.keys(
                [
                    (drift.COLORS["previous"], "from the window before"),
                    (drift.COLORS["window"], "from the training data"),
                ]
            ),
        )
    )


def _chart(result: MonitoringResult) -> Markup | None:
    distances = [
        Drift(
            feature=finding.name,
            against=AGAINST[finding.kind],
            value=finding.value,
            interval=finding.interval,
            threshold=finding.threshold,
            exceeded=finding.fired,
        )
        for finding in result.findings
        if finding.kind in AGAINST
    ]
    return drift.drift(distances, LABEL) if distances else None
