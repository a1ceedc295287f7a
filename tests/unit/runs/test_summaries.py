"""Runs are summarized in the same words everywhere, and one that only ingests trains on nothing."""

from pathlib import Path

from evergreen.runs import summaries
from evergreen.runs.plan import ModelRef, Request, SpanRef
from tests.unit.lineage.making import make_record

SERVING = ModelRef(version=3, artifact_id=17)
SPANS = tuple(
    SpanRef(number=number, version=1, sha256="s", path=Path("spans"), ingest_key="k")
    for number in (1, 2)
)
INGESTING = Request(requested_by="somebody", reason="a test", train=False)


def test_a_run_that_trains() -> None:
    record = make_record("one", baseline=SERVING, model_version=4, window=SPANS)
    assert summaries.trained_on(record) == "spans 1, 2"
    assert summaries.baseline(record) == "version 3"
    assert summaries.version(record) == "4"
    first = make_record("one", baseline=None, model_version=None)
    assert summaries.baseline(first) == "none was serving"
    assert summaries.version(first) == "none: an experiment"


def test_a_run_that_only_ingests_trains_compares_and_makes_nothing() -> None:
    record = make_record("one", baseline=SERVING, model_version=None, request=INGESTING)
    for said in (summaries.trained_on, summaries.baseline, summaries.version):
        assert said(record) == "nothing: only ingested"
