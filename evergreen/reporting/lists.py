"""Lists of runs: their order, and the metrics that they show."""

from collections.abc import Iterable, Mapping, Sequence

from evergreen.errors import SettingsError
from evergreen.runs.plan import RunRecord

HEADLINES = ("auc", "rmse", "log_loss", "calibration", "accuracy", "mae", "macro_f1", "r2")
"""The metrics that stand for a model's quality, the most telling ones of each task first."""


def headlines(records: Iterable[RunRecord | None], most: int = 1) -> list[str]:
    """Returns the names of the metrics by which runs are shown: the first that any of them has."""
    known = {name for record in records if record for name in metrics_on_test(record)}
    return [name for name in HEADLINES if name in known][:most]


def metrics_on_test(record: RunRecord) -> Mapping[str, float | None]:
    """Returns a run's metrics on the test split."""
    return record.results.metrics.get("test", {}) if record.results else {}


def seconds(record: RunRecord) -> float | None:
    """Returns the duration of a run since it was last resumed; None if it has not ended."""
    begun = record.resumed[-1] if record.resumed else record.created
    return (record.finished - begun).total_seconds() if record.finished else None


def ordered(found: Sequence[RunRecord], by: str) -> list[RunRecord]:
    """Sorts runs, largest value first.

    Args:
        found: The runs, newest first.
        by: `started`, `took`, or a metric such as `auc`.

    Raises:
        SettingsError: If no run has that value.
    """
    if by == "started":
        return list(found)
    values = {
        record.run_id: seconds(record) if by == "took" else metrics_on_test(record).get(by)
        for record in found
    }
    if found and not any(value is not None for value in values.values()):
        known = sorted({name for record in found for name in metrics_on_test(record)})
        raise SettingsError(
            f"--sort {by}: no run has that.", hint=f"Try: {', '.join(['started', 'took', *known])}"
        )

    def largest_first(record: RunRecord) -> tuple[bool, float]:
        value = values[record.run_id]
        return value is None, -(value or 0.0)

    return sorted(found, key=largest_first)
