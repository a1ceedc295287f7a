"""The model has become worse, or its data old."""

from evergreen.monitoring.findings import Kind
from evergreen.triggers.monitor_events import Findings


class Performance(Findings):
    """Fires when the quality that late labels show is surely beyond its threshold."""

    name = "performance"
    kinds = frozenset({Kind.PERFORMANCE, Kind.STALENESS})
