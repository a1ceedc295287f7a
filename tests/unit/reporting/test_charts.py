"""Charts show texts as they are, whatever they look like, and say what cannot be drawn."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from tensorflow_metadata.proto.v0 import statistics_pb2

from evergreen.quality.statistics import Feature, features
from evergreen.reporting.charts import canvas, curves, distributions, drift, slices
from evergreen.reporting.charts.canvas import chart, short
from evergreen.reporting.data import distribution
from evergreen.runs.reports.data import Drift
from evergreen.runs.reports.model import ModelReport
from tests.unit.reporting.reports import add_number, distance, model_report, statistics

CORPUS = [
    "#010150",
    "#010100",
    "color: #010104",
    "$x^2",
    "$\\frac{1}{0}$",
    "\\frac{",
    "_hidden",
    'id="x',
    'href="#y',
    "url(#z)",
    "font-family: evil;",
    "0.123456",
    "-1.50000",
    "--><script>alert(1)</script>",
    "<!-- -- -->",
    "]]>",
    "&amp;",
    "rotate(-0 ",
    "{x:.2f}",
    "%s%n",
    "a\nb",
    "a\x00b",
    "\udcff",
    "\u202eabc",
    "東京",
    "x" * 100_000,
    "",
    " ",
]


def drawn(svg: Markup) -> ElementTree.Element:
    assert "cannot be shown" not in svg
    return ElementTree.fromstring(str(svg))


def texts(svg: Markup) -> list[str]:
    return [element.text or "" for element in drawn(svg).iter("text")]


def text_feature(*values: str, name: str = "payment_type") -> Feature:
    dataset = statistics().datasets[0]
    [feature] = [feature for feature in dataset.features if feature.path.step[0] == "payment_type"]
    del feature.string_stats.top_values[:]
    for value in values:
        feature.string_stats.top_values.add(value=value, frequency=100)
    del feature.path.step[:]
    feature.path.step.append(name)
    return features(dataset)[name]


def times(*limits: float) -> Feature:
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=100)
    buckets = list(zip(limits, limits[1:], [10.0] * len(limits), strict=False))
    add_number(dataset, "t", 100, buckets)
    return features(dataset)["t"]


@settings(max_examples=3, deadline=None, derandomize=True, database=None)
@given(st.lists(st.text(st.characters(), max_size=40), min_size=60, max_size=100))
def test_every_chart_shows_texts_as_they_are(generated: list[str]) -> None:
    names = list(dict.fromkeys([*CORPUS, *generated]))
    beyond = Drift(**distance("tips", "previous", 0.2, 0.1))
    distances = [beyond.model_copy(update={"feature": name}) for name in names]
    part = ModelReport(**model_report()).slices[0]
    for svg, most in (
        (drift.drift(distances, names[0]), 24),
        (slices.forest([part.model_copy(update={"name": name}) for name in names], names[0]), 28),
        (distributions.missing(dict.fromkeys(names, (0.5, 0.1)), names[0]), 26),
    ):
        shown = [text.removeprefix("▲ ") for text in texts(svg)]
        assert [name for name in names if name.strip() and short(name, most) not in shown] == []


@pytest.mark.parametrize("text", CORPUS)
def test_what_a_chart_shows_is_told_as_it_is(text: str) -> None:
    history = {"loss": [0.3, 0.2], "val_loss": [0.4, 0.3]}
    charts = [curves.training(history, text), curves.roc({}, text), curves.calibration({}, text)]
    for svg in charts:
        told = drawn(svg).attrib["aria-label"]
        assert told == text if text.isprintable() else len(told) == len(text)


@pytest.mark.parametrize("value", CORPUS)
def test_values_of_data_are_shown_as_they_are(value: str) -> None:
    if "\udcff" in value:  # TFDV's statistics hold none
        return
    feature = text_feature(value, "other")
    made = distribution(feature, text_feature("other", value), "t")
    assert made.chart is not None
    shown = short(value, 18)
    assert not shown.strip() or shown in texts(made.chart)


def test_colours_of_the_page_are_still_put_in() -> None:
    svg = slices.forest(ModelReport(**model_report()).slices, "label")
    assert "var(--first)" in svg
    assert "#0101" not in svg
    ids = [element.attrib["id"] for element in drawn(svg).iter() if "id" in element.attrib]
    assert len(set(ids)) == len(ids)
    used = [
        v[1:] for element in drawn(svg).iter() for n, v in element.attrib.items() if n == "href"
    ]
    assert used
    assert set(used) <= set(ids)


@pytest.mark.parametrize(
    "limits",
    [
        (1_451_602_800_000.0, 1_454_281_200_000.0),  # milliseconds
        (1.4516028e18, 1.4542812e18),
        (-1e17, 0.0),
        (1e300, 2e300),
    ],
)
def test_times_beyond_the_calendar_are_numbers(limits: tuple[float, float]) -> None:
    """Also when it is the span before that has them: later runs of a series compare with it."""
    usual, odd = times(1_451_602_800.0, 1_454_281_200.0), times(*limits)
    for feature, before in ((odd, None), (odd, usual), (usual, odd)):
        made = distribution(feature, before, timestamp="t")
        assert made.chart is not None
        assert any(re.fullmatch(r"-?\d+(,\d{3}){3,}", text) for text in texts(made.chart))
    made = distribution(usual, None, timestamp="t")
    assert made.chart is not None
    assert texts(made.chart)[0] == "2015-12"


def test_what_cannot_be_drawn_is_said_in_its_place() -> None:
    @chart
    def broken(label: str) -> Markup:
        raise ValueError(f"<b>year 47969</b> is out of range: {label}\udcff")

    said = broken("x")
    assert said == (
        '<p class="none gap">The chart cannot be shown: ValueError: &lt;b&gt;year 47969&lt;/b&gt; '
        "is out of range: x\\udcff</p>"
    )
    assert drift.drift([Drift.model_construct(against="elsewhere")], "a mark that is not known")
    assert canvas.matplotlib.rcParams["text.parse_math"] is True  # of others it is left as it was
