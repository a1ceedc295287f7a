"""Decisions follow only from events, state and time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.settings.triggers import TriggerSettings, WindowSettings
from evergreen.triggers.decision import DAY, Decision, Ruling, State, Why, decide
from evergreen.triggers.event import SpanId, TriggerEvent
from tests.fuzzing import fuzz

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = TriggerSettings(cooldown_seconds=3600, daily_budget=3, window=WindowSettings(spans=2))


def span(number: int, version: int = 1) -> SpanId:
    return SpanId(number=number, version=version, sha256=f"{number}.{version}")


ONE, TWO, THREE = span(1), span(2), span(3)
STATE = State(spans=(ONE, TWO, THREE), serving=4, model="taxi")


def event(key: str = "key", trigger: str = "new_data", **more: Any) -> TriggerEvent:
    return TriggerEvent.of(trigger, key, NOW, f"because of {key}", **more)


def state(**changes: Any) -> State:
    return STATE.model_copy(update=changes)


def decided(event: TriggerEvent, state: State, at: datetime = NOW) -> Decision:
    [decision] = decide([event], state, POLICY, at)
    return decision


ALL = frozenset(STATE.spans)
ABOUT_ITS_MODEL, ABOUT_ITS_SPAN = event(model_version=4), event(spans=(THREE,))
REFUSED = {
    "there are no spans at all": (event(force=True), State(), Why.NO_DATA),
    "every span is refused": (event(), state(refused=ALL), Why.NO_DATA),
    "another version serves": (ABOUT_ITS_MODEL, state(serving=5), Why.SUPERSEDED),
    "nothing serves": (ABOUT_ITS_MODEL, state(serving=None), Why.SUPERSEDED),
    "a canary may be the answer": (ABOUT_ITS_MODEL, state(canary=5), Why.CANARY),
    "the span has a newer version": (event(spans=(span(3, 0),)), STATE, Why.SUPERSEDED),
    "the span was refused": (ABOUT_ITS_SPAN, state(refused={THREE}), Why.DATA_REFUSED),
    "the span was trained on": (ABOUT_ITS_SPAN, state(trained={THREE}), Why.PROCESSED),
    "late data is ingested": (event(spans=(ONE,)), state(ingested={ONE}), Why.PROCESSED),
    "the window was trained on": (event(), state(windows={(TWO, THREE)}), Why.PROCESSED),
    "all is ingested": (event(train=False), state(ingested=ALL), Why.PROCESSED),
    "one span was refused, the other replaced": (
        event(spans=(THREE, span(2, 0))),
        state(refused={THREE}),
        Why.DATA_REFUSED,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_nothing_to_start_is_refused(case: str) -> None:
    about, known, why = REFUSED[case]
    decision = decided(about, known)
    assert (decision.verdict, decision.why) == (Ruling.REFUSE, why)
    assert decision.events == (about.id,)
    assert not decision.run_id


@pytest.mark.parametrize("case", [case for case in REFUSED if case != "there are no spans at all"])
def test_what_is_forced_starts_all_the_same_and_without_the_cache(case: str) -> None:
    about, known, _ = REFUSED[case]
    decision = decided(about.model_copy(update={"force": True}), known)
    assert decision.verdict is Ruling.START
    assert decision.spans
    assert not decision.cache


TRAINS = {
    "a span that lands": (event(spans=(THREE,)), STATE, (TWO, THREE)),
    "a schedule": (event(), STATE, (TWO, THREE)),
    "a worse model": (event(model_version=4), STATE, (TWO, THREE)),
    "without the refused": (event(), state(refused={THREE}), (ONE, TWO)),
    "one of two new spans is refused": (
        event(spans=(TWO, THREE)),
        state(refused={THREE}),
        (ONE, TWO),
    ),
}


@pytest.mark.parametrize("case", TRAINS)
def test_what_is_new_is_trained_on_with_the_window(case: str) -> None:
    about, known, spans = TRAINS[case]
    decision = decided(about, known)
    assert (decision.verdict, decision.why) == (Ruling.START, Why.TRAIN)
    assert decision.spans == spans
    assert decision.reason == about.reason
    assert decision.cache


INGESTS = {
    "late data outside of the window": (event(spans=(ONE,)), STATE, (ONE,)),
    "a span, as the settings say": (event(spans=(THREE,), train=False), STATE, (THREE,)),
    "what is not in": (event(train=False), state(ingested={TWO}), (ONE, THREE)),
}


@pytest.mark.parametrize("case", INGESTS)
def test_what_is_not_to_be_trained_on_is_ingested(case: str) -> None:
    about, known, spans = INGESTS[case]
    decision = decided(about, known)
    assert (decision.verdict, decision.why) == (Ruling.START, Why.INGEST)
    assert decision.spans == spans


WAITS: dict[str, tuple[dict[str, Any], Why, datetime | None]] = {
    "another run": ({"running": "r"}, Why.RUNNING, None),
    "the cooldown": ({"starts": (NOW - HOUR / 4,)}, Why.COOLDOWN, NOW + HOUR * 3 / 4),
    "the budget of a day": (
        {"starts": (NOW - 23 * HOUR, NOW - 20 * HOUR, NOW - 2 * HOUR)},
        Why.BUDGET,
        NOW + HOUR,
    ),
}


@pytest.mark.parametrize("case", WAITS)
def test_a_training_is_held_back(case: str) -> None:
    changes, why, until = WAITS[case]
    decision = decided(event(), state(**changes))
    assert (decision.verdict, decision.why, decision.until) == (Ruling.WAIT, why, until)
    if until:
        assert decided(event(), state(**changes), until).verdict is Ruling.START


FREE = {
    "the cooldown is over": (NOW - HOUR,),
    "starts of the day before": tuple(NOW - DAY - number * HOUR for number in range(5)),
    "a start in the future, of a wrong clock": (NOW + HOUR,),
}


@pytest.mark.parametrize("case", FREE)
def test_a_training_is_not_held_back(case: str) -> None:
    assert decided(event(), state(starts=FREE[case])).verdict is Ruling.START


def test_a_person_waits_for_a_run_and_for_nothing_else() -> None:
    person = event(trigger="manual")
    assert decided(person, state(starts=(NOW,) * 5)).verdict is Ruling.START
    assert decided(person, state(running="r")).why is Why.RUNNING


def test_cooldown_holds_no_ingestion_back() -> None:
    assert decided(event(spans=(ONE,)), state(starts=(NOW,))).why is Why.INGEST


def test_events_are_one_run_with_all_their_reasons() -> None:
    events = [event("a", spans=(THREE,)), event("b", model_version=4), event("c", model_version=3)]
    refused, started = decide(events, STATE, POLICY, NOW)
    assert refused.events == (events[2].id,)
    assert started.events == (events[0].id, events[1].id)
    assert started.reason == "because of a; because of b"


def test_a_training_goes_before_what_is_only_ingested() -> None:
    train, late = decide([event("late", spans=(ONE,)), event("new")], STATE, POLICY, NOW)
    assert (train.why, late.why) == (Why.TRAIN, Why.RUNNING)
    assert train.run_id in late.reason


def test_the_id_of_a_run_is_that_of_its_events_and_of_how_many_were_before() -> None:
    first = decided(event(), STATE)
    assert first.run_id.startswith("20240501-120000-")
    assert decided(event(), STATE).run_id == first.run_id
    assert decided(event(), state(sequence=1)).run_id != first.run_id
    assert decided(event("other"), STATE).run_id != first.run_id


def test_a_window_of_what_no_training_has_seen() -> None:
    policy = POLICY.model_copy(update={"window": WindowSettings(of="since_last")})
    known = state(trained={ONE, TWO})
    [decision] = decide([event()], known, policy, NOW)
    assert decision.spans == (THREE,)
    [decision] = decide([event()], state(trained=frozenset(STATE.spans)), policy, NOW)
    assert (decision.verdict, decision.why) == (Ruling.REFUSE, Why.NO_DATA)


SPANS = st.builds(span, st.integers(1, 4), st.integers(0, 1))
SOME = st.frozensets(SPANS, max_size=4)


@st.composite
def states(draw: st.DrawFn) -> State:
    newest = {span.number: span for span in sorted(draw(SOME), key=lambda span: span.version)}
    ages = draw(st.lists(st.integers(-3, 30), max_size=5))
    return STATE.model_copy(
        update={
            "spans": tuple(newest[number] for number in sorted(newest)),
            **{name: draw(SOME) for name in ("ingested", "refused", "trained")},
            "windows": draw(st.frozensets(st.just((TWO, THREE)))),
            "running": draw(st.sampled_from([None, None, "r"])),
            "starts": tuple(NOW - age * HOUR / 2 for age in ages),
            "canary": draw(st.sampled_from([None, 5])),
        }
    )


EVENTS = st.lists(
    st.builds(
        event,
        st.text("abcdefgh", min_size=3, max_size=5),
        st.sampled_from(["new_data", "schedule", "manual"]),
        spans=SOME.map(tuple),
        model_version=st.sampled_from([None, None, 3, 4]),
        train=st.booleans(),
        force=st.sampled_from([False, False, True]),
    ),
    max_size=5,
    unique_by=lambda event: event.id,
)
WINDOWS = st.sampled_from(["rolling", "expanding", "since_last"])


@fuzz(300)
@given(events=EVENTS, known=states(), of=WINDOWS)
def test_whatever_happens(events: list[TriggerEvent], known: State, of: Any) -> None:
    policy = POLICY.model_copy(update={"window": WindowSettings(of=of, spans=2)})
    decisions = decide(events, known, policy, NOW)
    # No event is lost, none is decided twice.
    covered = [name for decision in decisions for name in decision.events]
    assert sorted(covered) == sorted(event.id for event in events)
    starts = [decision for decision in decisions if decision.verdict is Ruling.START]
    assert len(starts) + (known.running is not None) <= 1
    by_id = {event.id: event for event in events}
    for start in starts:
        about = [by_id[name] for name in start.events]
        assert start.spans
        assert set(start.spans) <= set(known.spans)
        assert start.cache or any(event.force for event in about)
        if not any(event.force for event in events):
            assert not set(start.spans) & known.refused
        if start.why is Why.TRAIN and all(event.trigger != "manual" for event in about):
            past = [begun for begun in known.starts if begun <= NOW]
            assert all(NOW - begun >= HOUR for begun in past)
            assert sum(NOW - begun < DAY for begun in past) < policy.daily_budget
    for decision in decisions:
        assert decision.until is None or decision.until > NOW
    assert decide(events, known, policy, NOW) == decisions
