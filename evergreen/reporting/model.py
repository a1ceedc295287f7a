"""The section on the model: its training, its metrics, and its slices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from markupsafe import Markup

from evergreen.lineage.run_artifacts import RunReading
from evergreen.reporting.charts import canvas, curves, slices
from evergreen.runs.reports.model import Curves, ModelReport, Slice
from evergreen.texts import many, number


@dataclass(frozen=True)
class ModelSection:
    """The candidate, compared with the baseline if there is one.

    Attributes:
        report: The model gate's report; None if the run ended earlier.
        fitted: The trainer's metrics, by split and name.
        training: The chart of the losses by epoch; None if nothing was trained.
        kept: The epoch whose weights were kept.
        roc: The chart.
        calibration: The chart.
        deciding: The chart of the slices that decide.
        undecided: The chart of the slices that do not.
        keys: Legends: of the training, and of all other charts.
    """

    report: ModelReport | None
    fitted: Mapping[str, Mapping[str, float]]
    training: Markup | None
    kept: int | None
    roc: Markup | None
    calibration: Markup | None
    deciding: Markup | None
    undecided: Markup | None
    keys: Mapping[str, Markup]

    @classmethod
    def of(cls, reading: RunReading) -> Self:
        """Reads and draws the results of a run's model."""
        report, history = reading.report(ModelReport), reading.history()
        drawn = report.curves if report else {}
        parts = report.slices if report else ()
        return cls(
            report=report,
            fitted=reading.metrics(),
            training=_training(history),
            kept=curves.best_epoch(history),
            roc=_roc(drawn, report),
            calibration=_calibration(drawn),
            deciding=_forest([part for part in parts if part.decides]),
            undecided=_forest([part for part in parts if not part.decides]),
            keys=_keys(report),
        )


def _training(history: Mapping[str, Sequence[float]]) -> Markup | None:
    if not history.get("loss"):
        return None
    ends = ", ".join(
        f"{split} {number(history[name][0])} to {number(history[name][-1])}"
        for name, (split, _) in curves.SPLITS.items()
        if history.get(name)
    )
    epochs = many(len(history["loss"]), "epoch")
    return curves.training(history, f"Training: loss over {epochs}, {ends}")


def _roc(drawn: Mapping[str, Curves | None], report: ModelReport | None) -> Markup | None:
    if not any(model_curves and model_curves.roc for model_curves in drawn.values()):
        return None
    areas = ", ".join(
        f"{model} {number(metrics['auc'])}"
        for model, metrics in (report.models if report else {}).items()
        if "auc" in metrics
    )
    return curves.roc(drawn, f"ROC curve; area under it: {areas}")


def _calibration(drawn: Mapping[str, Curves | None]) -> Markup | None:
    candidate = drawn.get("candidate")
    if not candidate or not candidate.calibration:
        return None
    bins = candidate.calibration
    furthest = max(bins, key=lambda bucket: abs(bucket.predicted - bucket.observed))
    label = (
        f"Calibration in {many(len(bins), 'bin')}; furthest off: {number(furthest.predicted)} "
        f"predicted, {number(furthest.observed)} observed"
    )
    return curves.calibration(drawn, label)


def _forest(parts: Sequence[Slice]) -> Markup | None:
    if not parts:
        return None
    return slices.forest(parts, f"Log loss with 95 % intervals on {many(len(parts), 'part')}")


def _keys(report: ModelReport | None) -> dict[str, Markup]:
    models = [(canvas.CANDIDATE, "candidate")]
    if report and report.baseline:
        models.append((canvas.BASELINE, f"baseline, version {report.baseline_version}"))
    splits = [(color, split) for split, color in reversed(curves.SPLITS.values())]
    return {"models": canvas.keys(models), "training": canvas.keys(splits)}
