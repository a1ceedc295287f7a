"""A look at a window of the log, from Parquet files to findings in ML Metadata."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import DataError
from evergreen.lineage.store import open_store
from evergreen.monitoring.findings import Finding, Kind, MonitoringResult
from evergreen.monitoring.monitor import monitor
from evergreen.monitoring.results import results
from evergreen.settings import Settings, load_settings
from tests.project import ROOT
from tests.unit.monitoring.traffic import MODEL, hour, label, trips, write

NOW = hour(9).end


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    places = [
        f"metadata.sqlite={tmp_path}/metadata.sqlite",
        f"gateway.log.folder={tmp_path}/log",
        f"monitoring.labels={tmp_path}/labels",
        f"monitoring.results={tmp_path}/results",
        "monitoring.performance.slices=[payment_type]",
    ]
    return load_settings(ROOT, overrides=places)


@pytest.fixture
def store(settings: Settings) -> MetadataStore:
    return open_store(settings.metadata)


def score(rows: list[dict]) -> np.ndarray:
    return np.array([0.7 if row["payment_type"] == "Credit Card" else 0.05 for row in rows])


def traffic(settings: Settings, number: int, **kind: object) -> list[str]:
    rows = trips(kind.pop("count", 500), number, **kind)
    return write(settings.gateway.log.folder, hour(number), rows, score(rows))


def fired(result: MonitoringResult) -> set[tuple[Kind, str]]:
    return {(finding.kind, finding.name) for finding in result.fired}


def find(result: MonitoringResult, kind: Kind, name: str) -> list[Finding]:
    return [one for one in result.findings if (one.kind, one.name) == (kind, name)]


def test_the_same_traffic_again_is_no_drift(settings: Settings, store: MetadataStore) -> None:
    for number in (0, 1):
        traffic(settings, number)
    result = monitor(settings, store, hour(1), NOW)
    assert (result.rows, result.labelled, result.version) == (500, 0, 1)
    assert fired(result) == set()
    assert find(result, Kind.DRIFT, "trip_miles")
    [(_, published)] = results(store, MODEL)
    assert published == result


@pytest.mark.parametrize(
    ("kind", "name"),
    [({"shift": 0.47}, "trip_miles"), ({"company": None}, "company is missing")],
    ids=["kilometres", "an empty column"],
)
def test_a_change_upstream_is_drift_of_that_feature_alone(
    settings: Settings, store: MetadataStore, kind: dict, name: str
) -> None:
    traffic(settings, 0, count=2000)
    traffic(settings, 1, count=2000, **kind)
    assert fired(monitor(settings, store, hour(1), NOW)) == {(Kind.DRIFT, name)}


def test_a_model_that_says_something_else_is_seen_without_labels(
    settings: Settings, store: MetadataStore
) -> None:
    traffic(settings, 0)
    rows = trips(500, 1)
    write(settings.gateway.log.folder, hour(1), rows, score(rows) / 2)
    assert fired(monitor(settings, store, hour(1), NOW)) == {(Kind.PREDICTIONS, "score")}


def test_values_of_another_type_break_the_schema(settings: Settings, store: MetadataStore) -> None:
    rows = [row | {"trip_miles": "far"} for row in trips(500, 0)]
    write(settings.gateway.log.folder, hour(0), rows, score(rows))
    assert fired(monitor(settings, store, hour(0), NOW)) == {(Kind.SCHEMA, "trip_miles")}


def test_labels_that_come_late_are_joined_by_request(
    settings: Settings, store: MetadataStore
) -> None:
    ids = traffic(settings, 0)
    labels = np.random.default_rng(0).random(500) < score(trips(500, 0))
    label(settings.monitoring.labels, ids[:300], 1 - labels[:300])
    label(settings.monitoring.labels, ids[:300], labels[:300], "b")  # corrects them
    result = monitor(settings, store, hour(0), NOW)
    assert result.labelled == 300
    [loss] = find(result, Kind.PERFORMANCE, "log_loss")[:1]
    known = score(trips(500, 0))[:300]
    right = np.where(labels[:300], known, 1 - known)
    assert loss.value == pytest.approx(-np.log(right).mean(), rel=1e-6)
    slices = {one.slice for one in result.findings if one.kind is Kind.PERFORMANCE}
    assert slices == {"", "payment_type=Cash", "payment_type=Credit Card"}


def test_only_answers_of_the_version_in_the_window_count(
    settings: Settings, store: MetadataStore
) -> None:
    traffic(settings, 0)
    log, rows = settings.gateway.log.folder, trips(100, 1)
    write(log, hour(0), rows, score(rows), version=2)
    write(log, hour(0), rows, score(rows), arm="shadow")
    traffic(settings, 1)
    assert monitor(settings, store, hour(0), NOW).rows == 500
    assert monitor(settings, store, hour(0), NOW, version=2).rows == 100
    assert monitor(settings, store, hour(5), NOW) is None


def test_what_is_old_is_told_by_the_clock_that_is_given(
    settings: Settings, store: MetadataStore
) -> None:
    traffic(settings, 0)
    result = monitor(settings, store, hour(0), NOW + timedelta(days=1))
    assert result.created == NOW + timedelta(days=1)


def test_a_damaged_file_is_named(settings: Settings, store: MetadataStore) -> None:
    traffic(settings, 0)
    [file] = settings.gateway.log.folder.glob("*/*.parquet")
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(DataError, match=file.name):
        monitor(settings, store, hour(0), NOW)


def test_labels_without_their_columns_are_refused(settings: Settings, store: MetadataStore) -> None:
    traffic(settings, 0)
    settings.monitoring.labels.mkdir()
    (settings.monitoring.labels / "x.csv").write_text("id,label\n1,1\n")
    with pytest.raises(DataError, match=r"x\.csv: no file of labels"):
        monitor(settings, store, hour(0), NOW)
