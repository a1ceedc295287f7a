"""The section on the model: its training, its metrics, its charts by task, and its slices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from markupsafe import Markup

from evergreen.lineage.run_artifacts import RunReading
from evergreen.reporting.charts import canvas, curves, heatmaps, slices
from evergreen.reporting.gaps import chart_or_gap, gap
from evergreen.runs.reports.model import Bin, Curves, ModelReport, Slice
from evergreen.settings.metrics import MAIN
from evergreen.settings.task import Task
from evergreen.texts import many, number, percent

OF_CLASS = "/"
"""In the name of a metric, before the class."""
ON_TEST = "on the test split"
BINS = "bins of equal size, with 95\N{NO-BREAK SPACE}% intervals"


@dataclass(frozen=True)
class Figure:
    """A chart with its title, a note, and its legend."""

    title: str
    chart: Markup
    note: str = ""
    keys: Markup | str = ""


@dataclass(frozen=True)
class ModelSection:
    """The candidate, compared with the baseline if there is one.

    Attributes:
        report: The model gate's report; None if the run ended earlier.
        fitted: The trainer's metrics, by split and name.
        overall: The names of the report's metrics.
        of_classes: Those of its metrics that are of a class.
        figures: The charts that there is something for: training, and those of the task.
        classes: Small charts, one for each class.
        metrics: The names of the metrics of slices; the first is the loss.
        deciding: The chart of the slices that decide.
        undecided: The chart of the slices that do not.
        keys: The legend of the models.
    """

    report: ModelReport | None
    fitted: Mapping[str, Mapping[str, float | None]]
    overall: Sequence[str]
    of_classes: Sequence[str]
    figures: Sequence[Figure]
    classes: Sequence[Figure]
    metrics: Sequence[str]
    deciding: Markup | None
    undecided: Markup | None
    keys: Markup

    @classmethod
    def of(cls, reading: RunReading) -> Self:
        """Reads and draws the results of a run's model."""
        report, history = reading.report(ModelReport), reading.history()
        parts = report.slices if report else ()
        metrics = MAIN[report.task if report else Task.BINARY]
        keys, names = _keys(report), list(report.candidate) if report else []
        return cls(
            report=report,
            fitted=reading.metrics(),
            overall=[name for name in names if OF_CLASS not in name],
            of_classes=[name for name in names if OF_CLASS in name],
            figures=[
                *_drawn(_training(history)),
                *(_drawn(_figures(report, keys)) if report else ()),
            ],
            classes=_drawn(_reliability(report.curves)) if report else [],
            metrics=metrics,
            deciding=_forest([part for part in parts if part.decides], metrics[0]),
            undecided=_forest([part for part in parts if not part.decides], metrics[0]),
            keys=keys,
        )


def _drawn(figures: Iterator[Figure]) -> list[Figure]:
    """Returns figures; the first that cannot be drawn, and those after it, are a sentence."""
    made: list[Figure] = []
    try:
        for figure in figures:
            made.append(figure)  # noqa: PERF402 - so that those before a failure are kept
    except Exception as error:
        made.append(Figure("", gap("A chart", error)))
    return made


def _training(history: Mapping[str, Sequence[float]]) -> Iterator[Figure]:
    if not history.get("loss"):
        return
    ends = ", ".join(
        f"{split} {number(history[name][0])} to {number(history[name][-1])}"
        for name, (split, _) in curves.SPLITS.items()
        if history.get(name)
    )
    label = f"Training: loss over {many(len(history['loss']), 'epoch')}, {ends}"
    kept = curves.best_epoch(history)
    note = f"; the weights of epoch {kept} were kept" if kept else ""
    keys = canvas.keys([(color, split) for split, color in reversed(curves.SPLITS.values())])
    yield Figure("Training", curves.training(history, label), f"loss by epoch{note}", keys)


def _figures(report: ModelReport, keys: Markup) -> Iterator[Figure]:
    """Yields the charts that the report has the numbers of."""
    drawn = report.curves
    candidate = drawn.get("candidate") or Curves()
    if any(model and model.roc for model in drawn.values()):
        yield Figure("ROC", curves.roc(drawn, _roc(report)), ON_TEST, keys)
    if candidate.calibration:
        bins = {name: model.calibration for name, model in drawn.items() if model}
        label = _furthest("Calibration", candidate.calibration)
        yield Figure("Calibration", curves.calibration(bins, label, report.task), BINS, keys)
    if candidate.confusion:
        chart = heatmaps.confusion(candidate.confusion, report.classes, _confusion(candidate))
        yield Figure("Confusion", chart, f"of the candidate, {ON_TEST}")
    if candidate.joint:
        label = "Labels and predictions of the candidate, as a heat map"
        chart = heatmaps.joint(candidate.joint, label)
        yield Figure("Labels and predictions", chart, f"of the candidate, {ON_TEST}")
    if candidate.residuals:
        label = "Residuals, which are predictions less labels, as a histogram"
        chart = curves.residuals(drawn, label)
        yield Figure("Residuals", chart, f"predictions less labels, {ON_TEST}", keys)


def _reliability(drawn: Mapping[str, Curves | None]) -> Iterator[Figure]:
    candidate = drawn.get("candidate")
    for name, found in candidate.reliability.items() if candidate else ():
        bins = {key: model.reliability.get(name, ()) for key, model in drawn.items() if model}
        label = _furthest(f"Reliability of class {name}", found)
        yield Figure(name, curves.calibration(bins, label, is_small=True))


def _roc(report: ModelReport) -> str:
    areas = ", ".join(
        f"{model} {number(metrics['auc'])}"
        for model, metrics in report.models.items()
        if "auc" in metrics
    )
    return f"ROC curve; area under it: {areas}"


def _furthest(what: str, bins: Sequence[Bin]) -> str:
    furthest = max(bins, key=lambda bucket: abs(bucket.predicted - bucket.observed))
    return (
        f"{what} in {many(len(bins), 'bin')}; furthest off: {number(furthest.predicted)} "
        f"predicted, {number(furthest.observed)} observed"
    )


def _confusion(candidate: Curves) -> str:
    """Describes a confusion matrix by its most frequent error."""
    cells = {
        (label, predicted): rows
        for label, found in candidate.confusion.items()
        for predicted, rows in found.items()
    }
    right = sum(rows for (label, predicted), rows in cells.items() if label == predicted)
    text = f"Confusion matrix; {percent(right / max(sum(cells.values()), 1))} are right"
    wrong = {pair: rows for pair, rows in cells.items() if pair[0] != pair[1]}
    if not wrong:
        return text
    (label, predicted), rows = max(wrong.items(), key=lambda cell: cell[1])
    return f"{text}; most often wrong: {label} as {predicted}, in {many(rows, 'row')}"


def _forest(parts: Sequence[Slice], loss: str) -> Markup | None:
    if not parts:
        return None
    label = f"{slices.titled(loss)} with 95 % intervals on {many(len(parts), 'part')}"
    return chart_or_gap("The chart", lambda: slices.forest(parts, label, loss))


def _keys(report: ModelReport | None) -> Markup:
    models = [(canvas.CANDIDATE, "candidate")]
    if report and report.baseline:
        models.append((canvas.BASELINE, f"baseline, version {report.baseline_version}"))
    return canvas.keys(models)
