"""What gates write is read by the types that wrote it, and what version 0.1.0 wrote as well."""

import json
import math
from collections import Counter
from pathlib import Path

import pytest

from evergreen.errors import EvergreenError
from evergreen.lineage.run_artifacts import R, load_report
from evergreen.quality.mismatch import Mismatch
from evergreen.runs import sentences
from evergreen.runs.reports.data import Change, DataReport, Drift, Finding
from evergreen.runs.reports.model import ALL_ROWS, ModelReport, Verdict
from evergreen.runs.reports.report import FILE
from evergreen.runs.reports.serving import ServingReport

EARLIER = Path(__file__).with_name("version_0_1_0")
"""Reports by the gates of version 0.1.0, on small data."""
KINDS = (DataReport, ModelReport, ServingReport)


def earlier(kind: type[R]) -> R:
    return kind.model_validate_json((EARLIER / f"{kind.node}.json").read_bytes())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read_again(kind: type[R], tmp_path: Path) -> None:
    report = earlier(kind)
    report.write(str(tmp_path))
    assert load_report(tmp_path, kind) == report


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_version_0_1_0_reads_is_missing(kind: type[R], tmp_path: Path) -> None:
    earlier(kind).write(str(tmp_path))
    written = json.loads((tmp_path / FILE).read_text())
    assert holds(json.loads((EARLIER / f"{kind.node}.json").read_text()), written)


def holds(expected: object, written: object) -> bool:
    """Whether what was expected is there; more may be."""
    if isinstance(expected, dict):
        return all(holds(value, written[key]) for key, value in expected.items())
    if isinstance(expected, list):
        return len(expected) == len(written) and all(map(holds, expected, written))
    return expected == written


def test_a_verdict_of_version_0_1_0_says_what_it_is_on() -> None:
    verdicts = earlier(ModelReport).verdicts
    least, most, calibration, auc, *parts = verdicts
    assert (least.metric, least.at_least, least.at_most, least.margin) == ("auc", 0.6, None, None)
    assert (most.metric, most.at_least, most.at_most) == ("auc", None, 1.0)
    assert (calibration.metric, calibration.at_least, calibration.passed) == (
        "calibration",
        0.75,
        False,
    )
    assert (auc.metric, auc.slice, auc.margin, auc.is_of_part) == ("auc", ALL_ROWS, 0.01, False)
    assert {(part.metric, part.margin) for part in parts} == {("log_loss", 0.005)}
    assert {part.slice: part.decides for part in parts} == {
        "payment_type Cash": True,
        "payment_type Credit Card": True,
        "payment_type Prcard": False,
    }


@pytest.mark.parametrize("part", [" on auc at least 1", "x not worse than the baseline's by 3"])
def test_no_name_of_a_slice_leads_astray(part: str) -> None:
    verdict = Verdict(metric="log_loss", slice=part, margin=0.1, passed=True, value=0.2)
    said = {"criterion": verdict.criterion, "passed": True, "value": 0.2}
    assert Verdict.model_validate(said) == verdict


def test_sentences_are_made_of_fields() -> None:
    data, model, serving = (earlier(kind) for kind in KINDS)
    assert list(sentences.of_data(data)) == [
        "trip_miles FEATURE_TYPE_LOW_FRACTION_PRESENT: 1 of 1,612 rows (< 0.1\xa0%). "
        "expected a value in every row; found one in 1611 rows (99.938 %), in train",
        "trip_miles ROWS_REFUSED: 1 of 2,605 rows delivered (< 0.1\xa0%). the value is not a "
        "number: part.parquet row 1 (such as far)",
    ]
    assert list(sentences.of_drift(data)) == [
        "trip_start_hour DRIFT: expected a Jensen-Shannon divergence of at most 0.03 from the span "
        "before; found 0.6195: the mean went from 13.673 to 20.325"
    ]
    assert data.drifted == ("trip_start_hour",)
    assert next(sentences.of_model(model)) == "calibration at least 0.75: 0.7063"
    assert list(sentences.of_serving(serving))[1] == (
        "serving_default: p95 of one row in ms over gRPC: 140.2, and at most 100 is allowed"
    )
    assert Counter(map(sentences.limit, model.verdicts)) == {
        "at least 0.6": 1,
        "at most 1": 1,
        "at least 0.75": 1,
        "0.01 worse": 1,
        "0.005 worse": 3,
    }


def test_a_finding_keeps_its_fields_and_its_sentence(tmp_path: Path) -> None:
    """Infinity among them, which JSON has no word for."""
    drift = Drift(
        feature="miles",
        against="window",
        value=0.5,
        threshold=0.2,
        exceeded=True,
        measure="L_INFTY",
    )
    mismatch = Mismatch(bound=0.5, found=math.inf)
    found = {
        "expected at most 0.5; found up to inf, in eval": Finding(
            feature="fare", kind="FLOAT_TYPE_BIG_FLOAT", mismatch=mismatch, splits=("eval",)
        ),
        "expected an L-infinity distance of at most 0.2 from the earlier spans of the window; "
        "found 0.5: Cash went from 20 % to 70 % of the values": Finding(
            feature="miles",
            kind="DRIFT",
            drift=drift,
            change=Change(value="Cash", before=0.2, now=0.7),
        ),
        "expected rows in each split; found none in eval: there are too few, or keys that repeat": (
            Finding(feature="", kind="SPLIT_EMPTY", splits=("eval",))
        ),
    }
    report = earlier(DataReport).model_copy(update={"findings": tuple(found.values())})
    report.write(str(tmp_path))
    read = load_report(tmp_path, DataReport)
    assert read == report
    assert [finding.description for finding in read.findings] == list(found)


def test_a_report_of_another_form_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"blessed": true, "verdicts": [{"criterion": "?"}]}')
    with pytest.raises(EvergreenError, match=FILE) as error:
        load_report(tmp_path, ModelReport)
    assert "evergreen doctor" in error.value.hint
    assert load_report(tmp_path / "gone", ModelReport) is None
