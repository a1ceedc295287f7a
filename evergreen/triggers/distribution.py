"""The data is not any more as it was."""

from evergreen.monitoring.findings import Kind
from evergreen.triggers.monitor_events import Findings


class Distribution(Findings):
    """Fires when features, or predictions, are surely distributed otherwise."""

    name = "distribution"
    kinds = frozenset({Kind.DRIFT, Kind.SKEW, Kind.PREDICTIONS})
