"""The section on data: rows, findings, drift, and the values of the newest span."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from markupsafe import Markup

from evergreen.lineage.run_artifacts import RunReading, SpanReader
from evergreen.quality.statistics import Feature, features
from evergreen.reporting.charts import canvas, distributions, drift
from evergreen.reporting.gaps import chart_or_gap, gap
from evergreen.runs import sentences
from evergreen.texts import count, many, percent

SPLIT = "train"


@dataclass(frozen=True)
class Distribution:
    """A feature's chart and its description; without a chart if there is nothing to draw."""

    name: str
    text: str
    chart: Markup | None = None


@dataclass(frozen=True)
class Anomaly:
    """An anomaly that TFDV reports for a split."""

    span: int
    split: str
    feature: str
    text: str


@dataclass(frozen=True)
class DataSection:
    """The content of the section on data.

    Attributes:
        spans: The spans, in the order of the window.
        splits: Names of the splits.
        drifts: Numbers and charts of the spans, newest first.
        drift_keys: The legend of these charts.
    """

    spans: Sequence[SpanReader]
    splits: Sequence[str]
    drifts: Sequence[tuple[int, Markup]]
    drift_keys: Markup

    @classmethod
    def of(cls, reading: RunReading) -> Self:
        """Reads and draws the data gate's reports on the window of a run."""
        spans = reading.spans
        order = ("train", "eval", "test")
        splits = {split for span in spans if span.report for split in span.report.rows}
        return cls(
            spans=spans,
            splits=sorted(
                splits, key=lambda split: (order.index(split) if split in order else 9, split)
            ),
            drifts=[
                (span.ref.number, chart)
                for span in reversed(spans)
                if (chart := chart_or_gap("The drift", partial(_drift, span)))
            ],
            drift_keys=canvas.keys(
                [
                    (drift.COLORS["previous"], "from the span before"),
                    (drift.COLORS["window"], "from the window before"),
                    (canvas.BAD, "threshold of the schema, and what is beyond it"),
                ]
            ),
        )


@dataclass(frozen=True)
class ValuesSection:
    """The values of a span.

    Attributes:
        shown: The span: the refused one, else the newest; None if no span has statistics.
        keys: The legend of the distributions.
        distributions: One chart per feature.
        missing: The chart of the shares of rows without a value; None if there are none.
        anomalies: The anomalies of all spans.
    """

    shown: SpanReader | None
    keys: Markup
    distributions: Sequence[Distribution]
    missing: Markup | None
    anomalies: Sequence[Anomaly]

    @classmethod
    def of(cls, reading: RunReading, timestamp: str | None) -> Self:
        """Reads and draws the statistics of a span of a run.

        Args:
            reading: The run.
            timestamp: The feature that is a point in time, if there is one.
        """
        spans = reading.spans
        shown = _shown(spans)
        now = features(shown.statistics(SPLIT)) if shown else {}
        earlier = shown.statistics(SPLIT, "previous_statistics") if shown else None
        before = features(earlier) if earlier else {}
        return cls(
            shown=shown,
            keys=_keys(shown, reading) if shown and before else Markup(),
            distributions=sorted(
                (
                    _distribution(feature, before.get(feature.name), timestamp)
                    for feature in now.values()
                ),
                key=lambda drawn: drawn.chart is None,
            ),
            missing=chart_or_gap("The missing values", lambda: _missing(now, before)),
            anomalies=[anomaly for span in spans for anomaly in _anomalies(span)],
        )


def _shown(spans: Sequence[SpanReader]) -> SpanReader | None:
    known = [span for span in spans if span.statistics(SPLIT) is not None]
    refused = [span for span in known if span.report and not span.report.blessed]
    return next(iter(refused or reversed(known)), None)


def _keys(shown: SpanReader, reading: RunReading) -> Markup:
    [theirs] = shown.artifacts["previous_statistics"]
    number = reading.span_of(theirs.id)
    before = f"span {number}, the one before" if number is not None else "the span before"
    now = f"span {shown.ref.number}"
    return canvas.keys([(canvas.CANDIDATE, now), (canvas.BASELINE, before)])


def distribution(feature: Feature, before: Feature | None, timestamp: str | None) -> Distribution:
    """Draws a feature, and its earlier distribution.

    Args:
        feature: The filled distribution.
        before: The distribution drawn as lines or marks.
        timestamp: The feature that is a point in time, if there is one.
    """
    text = _text(feature)
    if not feature.present or feature.is_identifier:
        return Distribution(feature.name, text)
    label = f"Distribution of {feature.name}: {text}"
    if feature.histogram(whole=True) is not None:
        is_time = feature.name == timestamp
        text = "" if is_time else text
        chart = distributions.numbers(feature, before, label, is_time)
        return Distribution(feature.name, text, chart)
    if feature.text is not None and feature.text.top_values:
        return Distribution(feature.name, text, distributions.categories(feature, before, label))
    return Distribution(feature.name, text)


def _distribution(feature: Feature, before: Feature | None, timestamp: str | None) -> Distribution:
    try:
        return distribution(feature, before, timestamp)
    except Exception as error:
        return Distribution(feature.name, "", gap("The distribution", error))


def _text(feature: Feature) -> str:
    if not feature.present:
        return "no row has a value"
    if feature.numeric is not None:
        stats = feature.numeric
        text = f"mean {_brief(stats.mean)}, median {_brief(stats.median)}"
        limits = f"{_brief(stats.min)} to {_brief(stats.max)}"
        tail = "; drawn without the largest tenth" if feature.has_tail else ""
        return f"{text}, {limits}{tail}"
    if feature.is_identifier:
        return f"{count(feature.text.unique)} different values: an identifier"
    values = feature.text.unique if feature.text is not None else 0
    return many(values, "value") if values else ""


def _brief(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"  # noqa: PLR2004


def _missing(now: Mapping[str, Feature], before: Mapping[str, Feature]) -> Markup | None:
    shares: dict[str, tuple[float, float | None]] = {
        feature.name: (
            feature.missing,
            before[feature.name].missing if feature.name in before else None,
        )
        for feature in sorted(now.values(), key=lambda feature: -feature.missing)
        if feature.missing or (feature.name in before and before[feature.name].missing)
    }
    worst = "; ".join(f"{name} {percent(share)}" for name, (share, _) in list(shares.items())[:5])
    return (
        distributions.missing(shares, f"Share of rows without a value: {worst}") if shares else None
    )


def _drift(span: SpanReader) -> Markup | None:
    if not span.report or not span.report.drift:
        return None
    beyond = many(len(span.report.drifted), "feature")
    largest = max(span.report.drift, key=lambda drift: drift.rank)
    label = (
        f"Drift of span {span.ref.number}: {beyond} beyond the threshold; the "
        f"largest share is {largest.feature}, {sentences.distance(largest)} of "
        f"{largest.threshold:g}"
    )
    return drift.drift(span.report.drift, label)


def _anomalies(span: SpanReader) -> list[Anomaly]:
    return [
        Anomaly(span.ref.number, split, ".".join(info.path.step) or name, info.description)
        for split, found in span.anomalies().items()
        for name, info in sorted(found.anomaly_info.items())
    ]
