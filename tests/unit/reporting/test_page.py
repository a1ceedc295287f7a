"""The page of a run tells what came of it and why, for every way in which a run can end."""

import re
from collections.abc import Callable

import pytest
from ml_metadata.metadata_store import MetadataStore
from tensorflow_metadata.proto.v0 import statistics_pb2

from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
from evergreen.reporting import write_report
from evergreen.reporting.page import render
from evergreen.runs.plan import ModelRef, Outcome, Request
from evergreen.settings import Settings
from tests.unit.reporting.reader import Page
from tests.unit.reporting.reports import (
    DRIFTED,
    FAR,
    MISSING_FARE,
    compared,
    data_report,
    model_report,
    serving_report,
    verdict,
)
from tests.unit.reporting.telling import State, Story, span_ref

HOSTILE = "</script><img src=x onerror=alert(1)>{{ 7 * 7 }}&amp;$x$\x01"
ONE, TWO = span_ref(1), span_ref(2)
TIMESTAMP = "trip_start_timestamp"
BASELINE = ModelRef(version=1, artifact_id=7)
Begin = Callable[..., Story]
Read = Callable[[Story, Outcome | None], Page]


@pytest.fixture
def begin(settings: Settings, store: MetadataStore) -> Begin:
    """Begins a run on spans 1 and 2 against version 1."""

    def begin(**changes: object) -> Story:
        given = {"window": (ONE, TWO), "to_ingest": (ONE, TWO), "baseline": BASELINE}
        return Story(store, settings.pipeline.root, **given | {"model_version": 2} | changes)

    return begin


@pytest.fixture
def read(settings: Settings, store: MetadataStore) -> Read:
    """Ends a run, and reads its page."""

    def read(story: Story, outcome: Outcome | None) -> Page:
        file = write_report(settings, store, story.ends(outcome))
        return Page(file.read_text())

    return read


def ingest_both(story: Story) -> None:
    first = story.ingests(ONE, data_report(1), "fare")
    story.ingests(TWO, data_report(2, DRIFTED), "fare", previous=first)


def verdicts(page: Page) -> str:
    """The overview of the gates."""
    return page.text.partition(" Gates Data gate")[2].partition("criterion by criterion")[0]


def test_a_pushed_model(begin: Begin, read: Read, store: MetadataStore, settings: Settings) -> None:
    story = begin()
    ingest_both(story)
    story.trains(model_report(), serving_report())
    registry = Registry(store, settings.model.name)
    registry.register(BASELINE, "somebody", "the first", {})
    registry.register(ModelRef(version=2, artifact_id=9), "somebody", "more data", {})
    page = read(story, Outcome.PUSHED)
    assert page.within("h1") == "Version 2 was pushed as candidate"
    header = page.within("header")
    assert "Against version 1 on 2,877 test rows: log_loss +0.0016 (-0.0015 to +0.0047)" in header
    assert "Span 2 has drifted in tips." in header
    assert "Serving now Version 1" in header
    assert "Asked for by somebody Because a test" in header
    assert verdicts(page).count("passed") == 4
    assert "DRIFT" in page.text
    assert "recorded" in page.text


def test_the_first_model_has_no_baseline(
    begin: Begin, read: Read, store: MetadataStore, settings: Settings
) -> None:
    story = begin(baseline=None)
    ingest_both(story)
    story.trains(model_report(baseline=False), serving_report())
    Registry(store, settings.model.name).register(
        ModelRef(version=2, artifact_id=9), "somebody", "the first", {}, Stage.CANDIDATE
    )
    page = read(story, Outcome.PUSHED)
    assert page.within("h1") == "Version 2 was pushed and is serving"
    assert "No version was serving to compare with. auc at least 0.93: 0.9544" in page.text
    assert "Serving now Version 2" in page.text
    assert "No baseline" in page.text


def test_a_span_refused_by_the_data_gate(begin: Begin, read: Read) -> None:
    story = begin()
    story.ingests(ONE, data_report(1, DRIFTED, MISSING_FARE, FAR), "fare_usd")
    page = read(story, Outcome.DATA_REFUSED)
    assert page.within("h1") == "Span 1 was refused by the data gate: fare, trip_miles"
    header = page.within("header")
    assert "fare SCHEMA_MISSING_COLUMN: 830 of 830 rows" in header
    assert "trip_miles ROWS_REFUSED: 3 of 833 rows" in header
    assert "DRIFT" not in header
    found = verdicts(page)
    assert re.search(r"span 1 ✗ refused 833 rows delivered: 2 findings against it", found)
    assert re.search(r"span 2 · not run .*Model gate · not run .*Serving validation · not", found)
    assert "part-7.csv 101 far" in page.text
    assert "3 of 833 rows delivered (0.4 %)" in page.text
    assert "TFDV on fare_usd" in page.text
    assert "It did not run." in page.text


def test_a_model_refused_by_the_model_gate(begin: Begin, read: Read) -> None:
    story = begin()
    ingest_both(story)
    worse = compared("pickup_community_area 76", passed=False)
    story.trains(
        model_report(worse, verdict("calibration", at_most=1.25, passed=False, value=1.31))
    )
    page = read(story, Outcome.MODEL_REFUSED)
    assert page.within("h1") == (
        "Refused by the model gate: worse on pickup_community_area 76, and 1 more"
    )
    header = page.within("header")
    assert "2 of the 4 criteria that decide do not hold" in header
    assert "pickup_community_area 76 not worse than the baseline's by 0.01: -0.0456" in header
    assert "calibration at most 1.25: 1.3100" in header
    table = page.text.partition("criterion by criterion")[2].partition("Data Span")[0]
    assert re.search(r"✗ fails log_loss on pickup_community_area 76 0.01 worse 0.1921", table)
    assert table.index("✗ fails") < table.index("✓ holds")
    assert re.search(r"do not decide \(1\).* · undecided log_loss on payment_type Cash", table)


def test_a_model_refused_by_serving_validation(begin: Begin, read: Read) -> None:
    story = begin()
    ingest_both(story)
    story.trains(model_report(), serving_report(slow=True))
    page = read(story, Outcome.SERVING_REFUSED)
    assert page.within("h1") == ("Refused by serving validation: p95 of one row in milliseconds")
    assert "140.0 ms, and the budget is 100 ms" in page.within("header")
    assert re.search(r"Model gate ✓ passed .* Serving validation ✗ refused", verdicts(page))
    server = "The server: TensorFlow ModelServer: 2.19.1."
    for shown in ("serving_default 2.1 ms 140.0 ms 160.0 ms", "712 MiB", "fare float32[?]", server):
        assert shown in page.text


def test_a_node_that_failed(begin: Begin, read: Read) -> None:
    story = begin()
    story.ingests(ONE, None, "fare")
    story.fails(ONE.label, "DataGate", "MemoryError: <9 GB>")
    page = read(story, Outcome.FAILED)
    assert page.within("h1") == "Failed in DataGate"
    assert "DataGate: MemoryError: <9 GB>" in page.within("header")
    nodes = page.text.partition(" Nodes Lines")[2]
    assert "✗ failed" in nodes
    assert "MemoryError: <9 GB>" in nodes
    assert "Values of span 1" in page.text


def test_a_run_that_failed_between_nodes(begin: Begin, read: Read) -> None:
    page = read(begin(), Outcome.FAILED)
    assert page.within("h1") == "The run failed"
    assert "No node failed" in page.within("header")
    assert "No node started." in page.text


def test_an_interrupted_run(begin: Begin, read: Read) -> None:
    story = begin()
    ingest_both(story)
    story.node("train", "Transform", {}, state=State.CANCELED)
    page = read(story, Outcome.INTERRUPTED)
    assert page.within("h1") == "Interrupted in Transform"
    assert "8 nodes had finished" in page.within("header")


def test_a_run_that_is_not_over(begin: Begin, read: Read) -> None:
    story = begin()
    story.node(ONE.label, "ExampleGen", {}, state=State.RUNNING)
    page = read(story, None)
    assert page.within("h1").startswith("Not ended")
    assert "… running" in page.text


def test_a_run_that_was_served_from_the_cache(begin: Begin, read: Read) -> None:
    before = begin()
    ingest_both(before)
    again = Story(
        before.store, before.folder, "run-2", window=(ONE, TWO), baseline=BASELINE, model_version=2
    )
    again.node("train", "Trainer", {}, "model", state=State.CACHED)
    page = read(again, Outcome.UNCHANGED)
    assert page.within("h1") == "Nothing new: version 2 was pushed before"
    assert "Everything came from the cache" in page.within("header")
    assert verdicts(page).count("ingested by an earlier run") == 2
    assert "↺ cached" in page.text


def test_an_experiment(begin: Begin, read: Read) -> None:
    story = begin(model_version=None)
    ingest_both(story)
    story.trains(model_report(), serving_report())
    page = read(story, Outcome.EXPERIMENT)
    assert page.within("h1") == "An experiment that passed, not pushed"
    assert "none: an experiment" in page.text


def test_what_data_and_people_write_is_text(begin: Begin, read: Read) -> None:
    story = begin(request=Request(requested_by=HOSTILE, reason=HOSTILE))
    finding = FAR | {"feature": HOSTILE, "values": [HOSTILE], "description": HOSTILE}
    bad = finding | {"examples": [{HOSTILE: HOSTILE}]}
    report = data_report(2, bad)
    report["drift"][0]["feature"] = HOSTILE
    story.ingests(ONE, data_report(1), HOSTILE)
    story.ingests(TWO, report, HOSTILE)
    story.trains(model_report(compared(HOSTILE, passed=False)), serving_report())
    story.fails("train", "Tuner", HOSTILE)
    page = read(story, Outcome.DATA_REFUSED)
    assert not page.all("img")
    assert not page.all("script")
    assert page.text.count(HOSTILE) >= 10


def test_the_page_needs_nothing_but_itself(begin: Begin, read: Read, settings: Settings) -> None:
    story = begin()
    ingest_both(story)
    story.trains(model_report(), serving_report())
    page = read(story, Outcome.PUSHED)
    [file] = settings.reports.folder.iterdir()
    html = file.read_text()
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", html)
    for _, attributes in page.tags:
        assert not {"src", "onclick", "onload"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}
    [policy] = [tag for tag in page.all("meta") if tag.get("http-equiv")]
    assert "default-src 'none'" in str(policy["content"])


def test_the_page_is_accessible(begin: Begin, read: Read) -> None:
    story = begin()
    ingest_both(story)
    story.trains(model_report(), serving_report())
    page = read(story, Outcome.PUSHED)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {str(link["href"])[1:] for link in page.all("a")}
    assert targets <= set(ids)
    assert {"gates", "data", "model", "serving", "nodes", "lineage"} <= targets
    charts = [
        picture for picture in page.all("svg") if picture["role"] == "img" and picture["aria-label"]
    ]
    assert len(charts) == len(page.all("svg")) >= 10
    assert all("scope" in header for header in page.all("th"))
    assert {"lang": "en"} in page.all("html")


def test_milliseconds_for_seconds_hide_no_outcome(begin: Begin, read: Read) -> None:
    """Of a span that was refused for them, and of a later one that is compared with it."""
    story = begin()
    first = story.ingests(ONE, data_report(1, FAR), TIMESTAMP)
    story.ingests(TWO, data_report(2), TIMESTAMP, previous=first)
    _count_in_milliseconds(story)
    page = read(story, Outcome.DATA_REFUSED)
    assert page.within("h1") == "Span 1 was refused by the data gate: trip_miles"
    assert "Values of span 1" in page.text
    assert "cannot be shown" not in page.text


@pytest.mark.parametrize(
    ("name", "broken", "instead"),
    [
        ("report.json", "not JSON", "Gates This part"),
        ("history.json", '{"loss": ["much"]}', "A chart"),
        ("history.json", "[1]", "A chart"),
        ("FeatureStats.pb", "no statistics", "Values This part"),
        ("SchemaDiff.pb", "no anomalies", "Values This part"),
    ],
)
def test_files_that_cannot_be_read_hide_nothing_else(
    begin: Begin, read: Read, name: str, broken: str, instead: str
) -> None:
    story = begin()
    ingest_both(story)
    story.trains(model_report(), serving_report())
    for file in story.folder.rglob(name):
        file.write_text(broken)
    page = read(story, Outcome.PUSHED)
    assert f"{instead} cannot be shown" in page.text
    assert "✓ complete" in page.text
    assert {"gates", "data", "model", "serving", "nodes", "lineage"} <= {
        str(attributes.get("id")) for _, attributes in page.tags
    }


def test_what_is_no_text_stands_for_itself(begin: Begin, settings: Settings) -> None:
    story = begin()
    record = story.record.model_copy(update={"orchestrator": "a path \udcff of bytes"})
    assert "a path ? of bytes" in render(settings, story.store, record)


def _count_in_milliseconds(story: Story) -> None:
    for file in story.folder.rglob("FeatureStats.pb"):
        found = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
        for feature in found.datasets[0].features:
            for histogram in feature.num_stats.histograms:
                for bucket in histogram.buckets:
                    bucket.low_value += 1.4e12
                    bucket.high_value += 1.4e12
        file.write_bytes(found.SerializeToString())
