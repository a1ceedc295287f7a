"""The steps of a controller, with a real store."""

from datetime import timedelta

import pytest

from evergreen.errors import SettingsError
from evergreen.lineage.stages import Stage
from evergreen.monitoring.results import Kind
from evergreen.running.orchestrator import Progress
from evergreen.runs.plan import Outcome
from evergreen.triggers.decision import Ruling, Why
from evergreen.triggers.log import Ended, Tried
from tests.unit.triggers.world import HOUR, Looks, World, finding


def whys(world: World, step: object) -> list[Why]:
    return [decision.why for decision in world.decisions(step)]


def test_what_has_landed_is_one_run_with_its_reasons_in_the_record(world: World) -> None:
    step = world.step()
    assert world.starts(step) == [[1, 2]]
    [record] = world.records
    assert record.outcome is Outcome.MODEL_REFUSED
    assert record.request.requested_by == "new-data"
    assert record.request.cause
    events = list(world.log.events.values())
    assert record.request.cause.events == tuple(event.id for event in events)
    assert record.request.cause.keys == tuple(event.key for event in events)
    assert record.request.cause.window == "rolling 8: spans 1-2"
    assert record.request.reason == "span 1 has landed; span 2 has landed"


def test_the_record_is_there_before_anything_starts(world: World) -> None:
    found = []
    world.runs.before = lambda record, attempt: found.append(
        world.bench.records.find(record.run_id)
    )
    world.step()
    assert found[0] is not None


def test_nothing_new_is_nothing_done(world: World) -> None:
    world.step()
    assert not world.step().entries
    world.begin()
    assert world.starts(world.step()) == []
    assert len(world.records) == 1


def test_a_span_that_lands_is_trained_on_with_the_window(world: World) -> None:
    world.begin("triggers.window.spans=2")
    world.step()
    world.bench.publish(3)
    assert world.starts(world.step()) == [[2, 3]]


def test_data_that_a_person_has_trained_on_starts_nothing(world: World) -> None:
    record = world.bench.plan()
    world.bench.ingest(record)
    world.bench.records.update(record.ended(Outcome.PUSHED))
    step = world.step()
    assert whys(world, step) == [Why.PROCESSED, Why.PROCESSED]


def test_firing_twice_with_a_key_is_one_event_and_one_run(world: World) -> None:
    world.step()
    first = world.fire("nightly", force=True)
    assert world.fire("nightly", force=True) == first
    assert world.starts(world.step()) == [[1, 2]]
    world.fire("nightly", force=True)
    assert not world.step().entries


def test_firing_without_force_does_nothing_twice(world: World) -> None:
    world.step()
    world.fire()
    assert whys(world, world.step()) == [Why.PROCESSED]


def test_force_starts_anew_without_the_cache(world: World) -> None:
    world.step()
    world.fire(force=True)
    world.step()
    assert [record.request.cache for record in world.records] == [True, False]


def test_events_that_come_while_a_run_goes_on_are_one_run_after_it(world: World) -> None:
    world.runs.before = lambda record, attempt: Progress.GOES_ON
    world.step()
    world.bench.publish(3)
    first = world.step()
    world.bench.publish(4)
    assert whys(world, first) == whys(world, world.step()) == [Why.RUNNING]
    assert not world.step().entries  # a wait is written down once
    world.runs.before = lambda record, attempt: None
    world.runs.finish(world.records[0])
    assert world.starts(world.step()) == [[1, 2, 3, 4]]
    assert len(world.records) == 2


def test_cooldown_delays_and_loses_nothing(world: World) -> None:
    world.begin("triggers.cooldown_seconds=36000")
    world.step()
    world.bench.publish(3)
    step = world.step()
    [decision] = world.decisions(step)
    assert (decision.verdict, decision.why) == (Ruling.WAIT, Why.COOLDOWN)
    assert step.due == decision.until
    assert not world.step().entries
    assert world.starts(world.step(later=8 * HOUR)) == [[1, 2, 3]]


def test_the_budget_of_a_day_is_not_exceeded(world: World) -> None:
    world.begin("triggers.daily_budget=2")
    started = []
    for number in range(3, 7):
        world.bench.publish(number)
        started += world.starts(world.step())
    assert len(started) == 2
    assert world.starts(world.step(later=24 * HOUR)) == [[1, 2, 3, 4, 5, 6]]


def test_a_person_is_not_held_back(world: World) -> None:
    world.begin("triggers.cooldown_seconds=36000", "triggers.daily_budget=1")
    world.step()
    world.bench.publish(3)
    world.step()
    world.fire()
    assert world.starts(world.step()) == [[1, 2, 3]]


def test_refused_data_is_reported_left_out_and_tried_again_when_it_changes(world: World) -> None:
    world.step()
    world.runs.bad = {3}
    world.bench.publish(3)
    step = world.step()
    assert world.outcomes()[-1] is Outcome.DATA_REFUSED
    assert whys(world, step) == [Why.TRAIN, Why.DATA_REFUSED]
    world.bench.publish(4)
    assert world.starts(world.step()) == [[1, 2, 4]]
    world.runs.bad = set()
    world.bench.publish(3, value=1)
    assert world.starts(world.step()) == [[1, 2, 3, 4]]


def test_good_data_that_came_with_bad_is_trained_on(world: World) -> None:
    world.runs.bad = {2}
    step = world.step()
    assert world.starts(step) == [[1, 2], [1]]
    assert world.outcomes() == [Outcome.DATA_REFUSED, Outcome.MODEL_REFUSED]


def test_what_was_forced_and_is_refused_is_not_forced_again(world: World) -> None:
    world.runs.bad = {1, 2}
    world.step()
    world.fire(force=True)
    assert len(world.starts(world.step())) == 1
    assert world.outcomes()[-1] is Outcome.DATA_REFUSED
    assert not world.step().entries


def test_a_changed_span_in_the_window_is_trained_on_again(world: World) -> None:
    world.step()
    world.bench.publish(1, value=1)
    assert world.starts(world.step()) == [[1, 2]]
    assert [span.version for span in world.records[-1].window] == [2, 1]


def test_late_data_outside_of_the_window_is_ingested_only(world: World) -> None:
    world.begin("triggers.window.spans=1")
    step = world.step()
    assert whys(world, step) == [Why.TRAIN, Why.RUNNING, Why.INGEST]
    assert world.starts(step) == [[2], [1]]
    assert [record.outcome for record in world.records] == [
        Outcome.MODEL_REFUSED,
        Outcome.INGESTED,
    ]
    world.bench.publish(1, value=1)
    assert world.starts(world.step()) == [[1]]
    assert world.records[-1].model_version is None


def test_data_may_be_ingested_only(world: World) -> None:
    world.begin("triggers.new_data.train=false")
    assert whys(world, world.step()) == [Why.INGEST]
    world.fire()
    assert world.starts(world.step()) == [[1, 2]]


def test_a_run_that_crashes_is_tried_again_as_the_same_run(world: World) -> None:
    world.runs.before = lambda record, attempt: Progress.STOPPED if attempt == 0 else None
    world.step()
    [record] = world.records
    assert world.runs.launched == [(record.run_id, 0), (record.run_id, 1)]
    assert world.outcomes() == [Outcome.MODEL_REFUSED]


def test_the_next_try_waits_a_while(world: World) -> None:
    world.begin("triggers.retry_seconds=7200")
    world.runs.before = lambda record, attempt: Progress.STOPPED if attempt == 0 else None
    assert world.step().due == world.now + 2 * HOUR
    world.step()
    assert len(world.runs.launched) == 1
    world.step()
    assert world.outcomes() == [Outcome.MODEL_REFUSED]


def test_a_run_that_crashes_every_time_has_failed(world: World) -> None:
    world.runs.before = lambda record, attempt: Progress.STOPPED
    world.step()
    assert len(world.runs.launched) == 2
    assert world.outcomes() == [Outcome.FAILED]
    assert world.records[0].outcome is Outcome.FAILED
    assert not world.step().entries


def test_a_run_past_its_deadline_is_killed(world: World) -> None:
    world.begin("triggers.deadline_seconds=7200", "triggers.attempts=1")
    world.runs.before = lambda record, attempt: Progress.GOES_ON
    step = world.step()
    assert step.due == world.now + 2 * HOUR
    assert not world.step().entries
    world.step()
    assert len(world.runs.stopped) == 1
    assert "longer than 7200 s" in world.log.of(Tried)[0].problem
    assert world.outcomes() == [Outcome.FAILED]


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400)])
def test_a_clock_that_jumps_kills_no_run_and_stops_no_trigger(
    world: World, jump: timedelta
) -> None:
    world.begin("triggers.cooldown_seconds=3600")
    world.runs.before = lambda record, attempt: Progress.GOES_ON
    world.step()
    world.now += jump
    world.step(later=timedelta(seconds=1))
    assert not world.runs.stopped
    world.runs.before = lambda record, attempt: None
    world.runs.finish(world.records[0])
    world.bench.publish(3)
    assert world.starts(world.step()) == [[1, 2, 3]]


def test_a_restart_goes_on_with_the_run_there_was(world: World) -> None:
    world.runs.before = lambda record, attempt: Progress.GOES_ON
    world.step()
    world.controller.close()
    world.runs.before = lambda record, attempt: None
    world.begin()
    world.step()
    [record] = world.records
    assert world.runs.launched == [(record.run_id, 0), (record.run_id, 0)]
    assert world.outcomes() == [Outcome.MODEL_REFUSED]


def test_a_run_of_code_that_changed_is_given_up_and_planned_anew(world: World) -> None:
    world.runs.before = lambda record, attempt: Progress.GOES_ON
    world.step()
    world.controller.close()
    world.bench.edit("use_case/model.py")
    world.runs.before = lambda record, attempt: None
    world.begin()
    world.step()
    assert world.outcomes() == [Outcome.INTERRUPTED, Outcome.MODEL_REFUSED]
    first, second = world.records
    assert first.request.cause
    assert second.request.cause
    assert first.request.cause.events == second.request.cause.events
    assert first.digests != second.digests


def test_an_event_is_not_lost_while_nothing_can_be_decided(world: World) -> None:
    world.begin("pipeline.lock=/nowhere/at/all", "triggers.new_data=null")
    world.fire()
    with pytest.raises(SettingsError, match="nowhere"):
        world.step()
    world.begin(f"pipeline.lock={world.bench.folder / 'lock.txt'}")
    assert world.starts(world.step()) == [[1, 2]]


def test_a_worse_model_is_trained_anew_if_there_is_something_new(world: World) -> None:
    world.begin("triggers.new_data=null")
    world.serve(1)
    number = world.monitored(finding(Kind.PERFORMANCE, "auc"))
    assert world.starts(world.step()) == [[1, 2]]
    assert world.records[0].request.requested_by == "performance"
    assert world.records[0].request.cause
    assert world.records[0].request.cause.evidence["monitoring result"] == str(number)
    world.monitored(finding(Kind.PERFORMANCE, "auc"))
    assert whys(world, world.step()) == [Why.PROCESSED]


def test_findings_that_start_nothing(world: World) -> None:
    world.begin("triggers.new_data=null", "triggers.performance.slices=false")
    world.serve(1)
    world.monitored(finding(Kind.PERFORMANCE, "auc", fired=False))
    world.monitored(finding(Kind.PERFORMANCE, "auc", slice="company=x"))
    world.monitored(finding(Kind.TRAFFIC, "labels"), finding(Kind.SCHEMA, "fare"))
    assert not world.step().entries


def test_findings_about_a_model_that_does_not_serve_any_more_start_nothing(world: World) -> None:
    world.begin("triggers.new_data=null")
    world.serve(2)
    world.monitored(finding(Kind.DRIFT, "fare"), version=1)
    assert whys(world, world.step()) == [Why.SUPERSEDED]


def test_a_canary_is_waited_for(world: World) -> None:
    world.begin("triggers.new_data=null")
    world.serve(1)
    world.serve(2, Stage.CANARY)
    world.monitored(finding(Kind.SKEW, "fare"))
    assert whys(world, world.step()) == [Why.CANARY]


def test_both_kinds_of_findings_are_one_run(world: World) -> None:
    world.begin("triggers.new_data=null")
    world.serve(1)
    world.monitored(finding(Kind.STALENESS, "days"), finding(Kind.PREDICTIONS, "probability"))
    world.step()
    [record] = world.records
    assert record.request.requested_by == "performance, distribution"


def test_the_monitors_look_as_often_as_they_are_to(world: World) -> None:
    world.monitor = looks = Looks()
    world.begin("triggers.monitor_seconds=7200")
    for _ in range(5):
        step = world.step()
    assert [(time - looks.at[0]) / HOUR for time in looks.at] == [0, 2, 4]
    assert step.due == looks.at[-1] + 2 * HOUR


def test_monitors_that_fail_stop_nothing(world: World) -> None:
    world.monitor = looks = Looks("no predictions were logged.")
    world.begin()
    assert world.starts(world.step()) == [[1, 2]]
    looks.problem = ""
    world.step()
    assert looks.at == [world.now]  # at the step after the one that said what is wrong


def test_every_start_has_one_end(world: World) -> None:
    for number in range(3, 6):
        world.bench.publish(number)
        world.step()
    runs = [start.decision.run_id for start in world.log.starts]
    assert runs == [entry.run_id for entry in world.log.of(Ended)]
    assert runs == [record.run_id for record in world.records]
