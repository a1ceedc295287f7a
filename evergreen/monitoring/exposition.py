"""Writes a result as Prometheus text, for node_exporter's textfile collector or a web server."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from evergreen.monitoring.results import MonitoringResult

LABELS = ("model", "version", "kind", "name", "slice")


def exposition(result: MonitoringResult) -> str:
    """Returns the metrics of a result, in Prometheus' text format."""
    registry = CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"evergreen_monitoring_{name}", text, labels, registry=registry)

    of_model = result.model, str(result.version)
    totals = {
        "rows": ("Predictions in the window.", result.rows),
        "labelled_rows": ("Of these, those with a label.", result.labelled),
        "fired": ("Findings beyond their thresholds.", len(result.fired)),
        "window_end_seconds": ("End of the window, since 1970.", result.window.end.timestamp()),
        "created_seconds": ("When it was looked, since 1970.", result.created.timestamp()),
    }
    for name, (text, value) in totals.items():
        gauge(name, text, "model", "version").labels(*of_model).set(value)
    values = gauge("value", "What was measured.", *LABELS)
    thresholds = gauge("threshold", "What it is held to.", *LABELS)
    fired = gauge("finding_fired", "Whether it is surely beyond, 0 or 1.", *LABELS)
    for finding in result.findings:
        labels = (*of_model, finding.kind.value, finding.name, finding.slice)
        values.labels(*labels).set(finding.value)
        thresholds.labels(*labels).set(finding.threshold)
        # Two limits for one metric share a series.
        already = fired.labels(*labels)._value.get()
        fired.labels(*labels).set(max(already, int(finding.fired)))
    return generate_latest(registry).decode()
