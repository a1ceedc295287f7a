"""Findings fire, or do not, depending on what happened to the traffic."""

from pathlib import Path

import numpy as np
import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import SettingsError
from evergreen.evaluation.slices import MOST
from evergreen.lineage.stages import RegistryError
from evergreen.monitoring.monitor import METRICS, PAGE, exposition, result_folder
from evergreen.monitoring.results import Kind, Window, results
from evergreen.quality.artifacts import load_statistics
from tests.unit.monitoring.world import BEFORE, DAY, ROWS, TODAY, WINDOW, Trips, World, fired


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world with a usual day behind it."""
    world = World(tmp_path)
    world.log(Trips(seed=1), BEFORE)
    return world


def test_a_usual_day_is_quiet_and_is_written_down(world: World) -> None:
    trips = Trips(seed=2)
    world.label(world.log(trips), trips.labels)
    result = world.monitor()
    assert not result.fired
    assert (result.rows, result.labelled, result.version) == (ROWS, ROWS, 1)
    assert {finding.kind for finding in result.findings} == set(Kind) - {Kind.SCHEMA}
    assert [found for _, found in results(world.store, "taxi")] == [result]
    folder = result_folder(world.settings, result)
    assert "Nothing fired" in (folder / PAGE).read_text()
    assert load_statistics(folder, "live").num_examples == ROWS
    assert (
        'evergreen_monitoring_rows{model="taxi",version="1"} 3000.0'
        in (world.settings.monitoring.folder / METRICS).read_text()
    )


def test_lineage_leads_from_the_model_to_the_result(world: World) -> None:
    world.log(Trips(seed=2))
    world.monitor()
    [result] = world.store.get_artifacts_by_type("MonitoringResult")
    [model] = world.store.get_artifacts_by_type("Model")
    graph = world.store.get_lineage_subgraph(
        mlmd.LineageSubgraphQueryOptions(
            starting_artifacts={"filter_query": f"id = {model.id}"},
            max_num_hops=2,
            direction=mlmd.LineageSubgraphQueryOptions.DOWNSTREAM,
        )
    )
    assert result.id in {artifact.id for artifact in graph.artifacts}
    [context] = world.store.get_contexts_by_artifact(result.id)
    assert context.name == "taxi/1"


def test_another_way_to_pay_is_drift_and_skew_of_that_feature_alone(world: World) -> None:
    world.log(Trips(seed=2, cards=0.7))
    result = world.monitor()
    assert fired(result, Kind.DRIFT) == {"payment_type"}
    assert fired(result, Kind.SKEW) == {"payment_type"}
    [drift] = [finding for finding in result.fired if finding.kind is Kind.DRIFT]
    assert drift.value == pytest.approx(0.3, abs=0.04)
    assert "Cash went from" in drift.detail or "Credit Card went from" in drift.detail


def test_miles_that_became_kilometres_are_skew_of_that_feature_alone(tmp_path: Path) -> None:
    world = World(tmp_path, "monitoring.skew.features={trip_miles: 0.02}")
    trips = Trips(seed=2)
    trips.columns["trip_miles"] = [1.609 * miles for miles in trips.columns["trip_miles"]]
    world.log(Trips(seed=1), BEFORE)
    world.log(trips)
    assert fired(world.monitor()) == {"trip_miles"}


def test_a_company_that_is_always_empty_violates_the_schema(world: World) -> None:
    trips = Trips(seed=2)
    trips.columns["company"] = [""] * len(trips)
    world.log(trips)
    result = world.monitor()
    assert fired(result, Kind.SCHEMA) == {"company"}
    [broken] = [finding for finding in result.fired if finding.kind is Kind.SCHEMA]
    assert broken.value == 1
    assert fired(result) == {"company"}


def test_values_of_another_type_and_unknown_features_are_named_with_their_share(
    world: World,
) -> None:
    trips = Trips(seed=2)
    trips.columns["trip_miles"][: ROWS // 10] = ["far"] * (ROWS // 10)
    trips.columns["colour"] = ["red"] * ROWS
    world.log(trips)
    found = {
        finding.name: finding for finding in world.monitor().fired if finding.kind is Kind.SCHEMA
    }
    assert found.keys() == {"trip_miles", "unknown features"}
    assert found["trip_miles"].value == pytest.approx(0.1)
    assert "far" in found["trip_miles"].detail
    assert found["unknown features"].value == 1
    assert found["unknown features"].detail == "not in the schema: colour (3,000 rows)"


def test_one_bad_row_of_thousands_is_reported_and_does_not_fire(world: World) -> None:
    trips = Trips(seed=2)
    trips.columns["payment_type"][7] = "Barter"
    world.log(trips)
    result = world.monitor()
    assert not result.fired
    [finding] = [finding for finding in result.findings if finding.kind is Kind.SCHEMA]
    assert finding.value == pytest.approx(1 / ROWS)
    assert "Barter" in finding.detail or "other value" in finding.detail


def test_labels_that_turn_are_a_loss_of_performance_and_no_drift(world: World) -> None:
    trips = Trips(seed=2)
    world.label(world.log(trips), np.random.default_rng(3).random(ROWS) < 0.4)
    result = world.monitor()
    assert {finding.kind for finding in result.fired} == {Kind.PERFORMANCE}
    assert {"log_loss", "auc"} <= fired(result)
    assert "payment_type=Cash" in {finding.slice for finding in result.findings}


def test_metrics_of_tfma_are_held_to_limits_by_slice(tmp_path: Path) -> None:
    rules = "[{metric: tfma.AUC, at_least: 0.99}, {metric: tfma.MeanLabel, at_most: 1}]"
    world = World(tmp_path, f"monitoring.performance.metrics={rules}")
    trips = Trips(seed=2)
    world.label(world.log(trips), trips.labels)
    result = world.monitor()
    assert fired(result) == {"tfma.AUC"}
    assert {"tfma.AUC", "tfma.MeanLabel"} <= {
        finding.name for finding in result.findings if finding.slice == "payment_type=Cash"
    }


def test_few_labels_decide_nothing(world: World) -> None:
    trips = Trips(seed=2)
    ids = world.log(trips)
    world.label(ids[:100], ~trips.labels[:100])
    result = world.monitor()
    assert not result.fired
    assert result.labelled == 100
    assert any("too few labels" in note for note in result.notes)


def test_labels_count_once_they_are_known(world: World) -> None:
    trips = Trips(seed=2)
    world.label(world.log(trips), trips.labels, known=TODAY + 5 * DAY)
    assert world.monitor().labelled == 0
    later = world.monitor(now=TODAY + 5 * DAY)
    assert later.labelled == ROWS
    [coverage] = [finding for finding in later.findings if finding.name == "labels"]
    assert "5.5 days late on average, 6.0 at most" in coverage.detail


def test_labels_that_come_late_are_of_older_predictions(tmp_path: Path) -> None:
    world = World(tmp_path, "monitoring.labels.lookback_days=1")
    before = Trips(seed=1)
    world.label(world.log(before, BEFORE), ~before.labels)
    world.log(Trips(seed=2))
    result = world.monitor()
    assert result.labelled == 0
    assert "auc" in fired(result, Kind.PERFORMANCE)


def test_a_model_that_says_otherwise_is_prediction_drift(world: World) -> None:
    world.log(Trips(seed=2, believes=0.97))
    result = world.monitor()
    assert fired(result) == {"scores since evaluation", "scores since the window before"}
    assert {finding.kind for finding in result.fired} == {Kind.PREDICTIONS}


def test_a_model_grows_stale_by_the_clock_it_is_given(world: World) -> None:
    world.log(Trips(seed=2))
    assert not fired(world.monitor(), Kind.STALENESS)
    assert fired(world.monitor(now=TODAY + 100 * DAY), Kind.STALENESS)


def test_too_little_traffic_is_all_that_is_said_of_it(world: World) -> None:
    world.log(Trips(rows=50, seed=2, cards=1.0))
    result = world.monitor()
    assert fired(result) == {"predictions"}
    assert {finding.kind for finding in result.findings} == {Kind.TRAFFIC, Kind.STALENESS}


def test_no_traffic_at_all_is_reported(world: World) -> None:
    long_ago = Window(start=TODAY - 20 * DAY, end=TODAY - 19 * DAY)
    assert fired(world.monitor(long_ago)) == {"predictions"}


def test_shadow_traffic_and_other_versions_are_not_counted(world: World) -> None:
    world.log(Trips(seed=2))
    world.log(Trips(rows=500, seed=3, cards=1.0), version=2, arm="shadow")
    world.log(Trips(rows=500, seed=4, cards=1.0), version=2, arm="canary")
    result = world.monitor()
    assert result.rows == ROWS
    assert not result.fired


def test_a_version_that_is_new_is_no_lack_of_traffic(world: World) -> None:
    world.log(Trips(rows=50, seed=2))
    world.log(Trips(seed=3), version=2)
    result = world.monitor()
    assert not result.fired
    assert any("50 predictions only" in note for note in result.notes)


def test_training_on_several_spans_is_one_distribution(tmp_path: Path) -> None:
    world = World(tmp_path, trained=[Trips(seed=5, cards=0.1), Trips(seed=6, cards=0.7)])
    world.log(Trips(seed=2, cards=0.4))
    result = world.monitor()
    assert not fired(result, Kind.SKEW)
    assert any("window before" in note for note in result.notes)


def test_what_cannot_be_looked_at_is_an_error_with_a_hint(world: World, tmp_path: Path) -> None:
    from evergreen.monitoring.monitor import monitor

    with pytest.raises(RegistryError, match="version 9"):
        monitor(world.settings, world.store, WINDOW, TODAY, version=9)
    with pytest.raises(SettingsError, match="colour"):
        World(tmp_path / "other", "monitoring.features=[colour]").monitor()
    with pytest.raises(SettingsError, match="fare"):
        World(tmp_path / "slice", "monitoring.performance.slices=[{feature: fare}]").monitor()
    with pytest.raises(SettingsError, match=r"gateway\.log\.folder"):
        World(tmp_path / "third", "gateway.log.folder=null").monitor()


def test_a_file_that_is_none_is_noted_and_the_rest_is_judged(world: World) -> None:
    trips = Trips(seed=2)
    good = world.label(world.log(trips), trips.labels)
    bad = good.with_name("bad.csv")
    bad.write_text("request_id,row,label\nr1,0,perhaps\nr2,0,maybe\n")
    [day, *_] = world.settings.gateway.log.folder.iterdir()
    cut = day / "cut.parquet"
    cut.write_bytes(next(day.glob("*.parquet")).read_bytes()[:1000])
    result = world.monitor()
    assert not result.fired
    assert (result.rows, result.labelled) == (ROWS, ROWS)
    for file, words in ((bad, "line 2: label 'perhaps'"), (cut, "cannot be read")):
        assert [str(file) in note and words in note for note in result.notes].count(True) == 1


def test_what_labels_of_one_class_cannot_tell_is_said(world: World) -> None:
    world.label(world.log(Trips(seed=2)), np.zeros(ROWS, bool))
    result = world.monitor()
    assert "auc: not defined, all 3,000 labels are 0" in result.notes
    assert "calibration: not defined, all 3,000 labels are 0" in result.notes
    assert set(result.unjudged) == {"auc", "calibration"}
    assert {"log_loss", "brier"} <= {finding.name for finding in result.findings}


def test_what_was_not_defined_at_the_evaluation_is_no_limit(tmp_path: Path) -> None:
    trained = Trips(seed=100)
    trained.labels = trained.labels & False
    world = World(tmp_path, trained=[trained])
    trips = Trips(seed=2)
    world.label(world.log(trips), trips.labels)
    assert "auc" in world.monitor().unjudged


def test_labels_of_requests_with_one_id_count_once_and_are_noted(world: World) -> None:
    trips = Trips(seed=2)
    ids = world.log(trips)
    world.log(Trips(seed=3))  # with the same ids
    world.label(ids, trips.labels)
    result = world.monitor()
    assert (result.rows, result.labelled) == (2 * ROWS, ROWS)
    assert any(note.startswith("3,000 predictions left out of perf") for note in result.notes)


def test_labels_of_nobody_are_noted(world: World) -> None:
    world.log(Trips(seed=2))
    world.label(["A", "B"], np.array([True, False]))
    notes = world.monitor().notes
    assert any(note.startswith("2 labels, none of a prediction in the log") for note in notes)


def test_values_that_anybody_makes_up_make_no_slices_without_end(tmp_path: Path) -> None:
    world = World(
        tmp_path,
        "monitoring.performance.slices=[{feature: company}]",
        "monitoring.labels.min_rows=2",
    )
    trips = Trips(seed=2)
    trips.columns["company"] = ["often" if at % 2 else f"{at}" + "x" * 1000 for at in range(ROWS)]
    world.label(world.log(trips), trips.labels)
    result = world.monitor()
    slices = {finding.slice for finding in result.findings}
    assert "company=often" in slices
    assert len(slices) <= 1 + MOST
    assert max(map(len, slices)) < 100
    assert (
        "company has more than 100 values: the rarer ones are not judged on their own"
        in result.notes
    )
    assert len(exposition(result).splitlines()) < 2000


class Noisy(Trips):
    """Trips with a feature each that nobody has heard of."""

    def rows(self) -> list[dict[str, object]]:
        return [{**row, f"junk-{at}": at} for at, row in enumerate(super().rows())]


def test_names_that_anybody_makes_up_are_one_finding_and_no_series(world: World) -> None:
    world.log(Noisy(seed=2))
    result = world.monitor()
    [unknown] = [finding for finding in result.fired if finding.kind is Kind.SCHEMA]
    assert (unknown.name, unknown.value) == ("unknown features", 1)
    assert unknown.detail.startswith("not in the schema: more than 512 names")
    assert fired(result) == {"unknown features"}
    assert "junk" not in exposition(result).replace(unknown.detail, "")


def test_results_are_for_their_user_alone(world: World) -> None:
    world.log(Trips(seed=2))
    folder = result_folder(world.settings, world.monitor())
    assert (folder / PAGE).is_file()
    assert folder.parent.stat().st_mode & 0o777 == 0o700
