"""Names of metrics that have changed: what earlier versions wrote is read by the present names."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator

M = TypeVar("M")
RENAMED = {"binary_crossentropy": "log_loss", "rows": "example_count"}


def present_names(metrics: Any) -> Any:
    """Returns a mapping by metric with present names; anything else as it is."""
    if not isinstance(metrics, Mapping):
        return metrics
    return {RENAMED.get(name, name): value for name, value in metrics.items()}


ByMetric = Annotated[Mapping[str, M], BeforeValidator(present_names)]
"""Values by the present name of a metric."""
