"""The controller: notices, decides, has runs carried out, and writes down all of it.

All that it knows is in ML Metadata. Killed at any point, the next one goes on from there: an event
is in the log once, by its key; a start names the run before there is one; a run record is made
once, by its name; what a run has finished it does not do again.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError
from evergreen.lineage.records import RunRecords
from evergreen.lineage.retries import StoreError
from evergreen.planning.identity import take_digests
from evergreen.planning.planner import Planner
from evergreen.running.conclusion import end
from evergreen.runs.plan import Cause, Outcome, Request, RunRecord
from evergreen.settings import Settings
from evergreen.spans import format_selection
from evergreen.triggers.decision import Decision, Ruling, Why, decide
from evergreen.triggers.event import Trigger
from evergreen.triggers.launcher import Launcher, Progress
from evergreen.triggers.log import Decided, Ended, Entry, LogConflictError, Tried, TriggerLog
from evergreen.triggers.state import gather
from evergreen.triggers.work import RESUMABLE

_log = logging.getLogger(__name__)


class Monitor(Protocol):
    """Looks at what serves, beside the controller; what it finds it writes to ML Metadata."""

    def look(self, now: datetime) -> None:
        """Begins a look, unless one goes on."""

    def check(self) -> None:
        """Raises an `EvergreenError` if the last look failed, or ends it if it takes too long."""

    def close(self) -> None:
        """Ends a look that goes on."""


@dataclass(frozen=True)
class Step:
    """What one step has done.

    Attributes:
        entries: What came into the log since the step before.
        due: When the next one is due by the clock alone, if ever.
    """

    entries: tuple[Entry, ...]
    due: datetime | None


class Controller:
    """Acts on the events of one pipeline."""

    def __init__(
        self,
        settings: Settings,
        store: MetadataStore,
        triggers: Sequence[Trigger],
        launcher: Launcher,
        *,
        log: TriggerLog | None = None,
        overrides: Sequence[str] = (),
        monitor: Monitor | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is read or started yet.

        Args:
            settings: The project's settings.
            store: ML Metadata.
            triggers: Where events come from.
            launcher: Where runs go.
            log: The log, if somebody else reads it too.
            overrides: What the settings have that is in no file.
            monitor: Begins to look every `triggers.monitor_seconds`.
            monotonic: A clock in seconds that nobody sets, for deadlines.
        """
        self._settings = settings
        self._store = store
        self._triggers = triggers
        self._launcher = launcher
        self._overrides = tuple(overrides)
        self._monitor = monitor
        self._monotonic = monotonic
        self._log = log or TriggerLog(store, settings.model.name)
        self._records = RunRecords(store)
        self._planner = Planner(settings, store)
        self._told: int | None = None
        self._monitored: datetime | None = None
        self._launched: dict[tuple[str, int], float] = {}
        self._settled: tuple[int, datetime, datetime | None] | None = None

    def step(self, now: datetime) -> Step:
        """Does all that is due at a time. To be called again when something may have happened.

        Raises:
            EvergreenError: If the metadata store, or Kubeflow, cannot be used; the next step goes
                on where this one ended.
            ml_metadata.errors.StatusError: If the metadata store refuses.
        """
        self._log.refresh()
        if self._told is None:
            self._told = len(self._log.entries)
        try:
            self._look(now)
            self._notice(now)
            while self._advance(now):
                pass
        except LogConflictError:  # somebody fired just now: at the next step it is known
            return Step(self._untold(), now)
        return Step(self._untold(), self._due(now))

    def close(self) -> None:
        """Lets go of what is carried out on this machine: the next controller takes it up.

        That is no try that failed: this controller may go on with it, too.
        """
        self._launcher.close()
        if self._monitor:
            self._monitor.close()

    @property
    def is_busy(self) -> bool:
        """Whether a run goes on that `close` would end."""
        return self._launcher.is_busy

    def _untold(self) -> tuple[Entry, ...]:
        """What no step has returned yet; one that ended with an error has returned nothing."""
        new = tuple(self._log.entries[self._told :])
        self._told = len(self._log.entries)
        return new

    def _look(self, now: datetime) -> None:
        if self._monitor is None:
            return
        since = None if self._monitored is None else (now - self._monitored).total_seconds()
        try:
            self._monitor.check()
            if since is None or not 0 <= since < self._settings.triggers.monitor_seconds:
                self._monitored = now
                self._monitor.look(now)
        except EvergreenError as error:  # data that lands, schedules and persons do not need it
            _log.error("monitoring: %s next: %s", error, error.hint)

    def _notice(self, now: datetime) -> None:
        for trigger in self._triggers:
            for event in trigger.poll(now):
                self._log.notice(event)

    def _advance(self, now: datetime) -> bool:
        """Goes on with the run there is, and decides; returns whether there is more to do."""
        start = self._log.running
        moved = self._carry_on(start.decision, now) if start else False
        return self._decide(now) or moved

    def _decide(self, now: datetime) -> bool:
        waiting = self._log.waiting
        if not waiting or self._is_settled(now):
            return False
        state = gather(self._settings, self._store, self._log)
        decisions = decide(waiting, state, self._settings.triggers, now)
        for decision in decisions:
            if not self._is_known(decision):
                self._log.append(Decided(at=now, decision=decision))
        until = min((one.until for one in decisions if one.until), default=None)
        self._settled = (len(self._log.entries), now, until)
        return any(decision.verdict is Ruling.START for decision in decisions)

    def _is_settled(self, now: datetime) -> bool:
        """Whether a decision would be the last one again: nothing happened, no wait has ended."""
        if self._settled is None:
            return False
        entries, at, until = self._settled
        return len(self._log.entries) == entries and at <= now and (until is None or now < until)

    def _is_known(self, decision: Decision) -> bool:
        """Whether a wait is the one that is written down already."""
        if decision.verdict is not Ruling.WAIT:
            return False
        last = [self._log.decisions(event)[-1:] for event in decision.events]
        return all(
            one and (one[0].decision.why, one[0].decision.until) == (decision.why, decision.until)
            for one in last
        )

    def _carry_on(self, decision: Decision, now: datetime) -> bool:
        """Brings the run that was started nearer to its end; returns whether it has moved."""
        run_id, tries = decision.run_id, self._log.tries(decision.run_id)
        record = self._records.find(run_id)
        progress = self._launcher.progress(record, tries) if record else Progress.ABSENT
        if record and progress is Progress.GOES_ON:
            return self._hold_to_deadline(record, tries, now)
        if record and record.outcome and record.outcome not in RESUMABLE:
            return self._write(Ended(at=now, run_id=run_id, outcome=record.outcome))
        if record and progress is Progress.STOPPED:
            told = f"ended as {record.outcome}" if record.outcome else "crashed"
            return self._write(Tried(at=now, run_id=run_id, problem=told))
        if tries >= self._settings.triggers.attempts:
            return self._give_up(run_id, Outcome.FAILED, now)
        if self._rests_until(run_id, now):
            return False
        return self._launch(record, tries, now) if record else self._plan(decision, now)

    def _plan(self, decision: Decision, now: datetime) -> bool:
        try:
            self._planner.plan(self._request(decision), run_id=decision.run_id)
        except StoreError:
            raise
        except EvergreenError as error:
            problem = f"could not be planned: {error}"
            self._write(Tried(at=now, run_id=decision.run_id, problem=problem))
        return True

    def _launch(self, record: RunRecord, attempt: int, now: datetime) -> bool:
        if record.digests != take_digests(self._settings):
            return self._give_up(record.run_id, Outcome.INTERRUPTED, now)
        self._launcher.launch(record, attempt)
        self._launched[record.run_id, attempt] = self._monotonic()
        return True

    def _write(self, entry: Entry) -> bool:
        self._log.append(entry)
        return True

    def _rests_until(self, run_id: str, now: datetime) -> datetime | None:
        """When the next try may begin, if one has just failed."""
        failed = [one.at for one in self._log.of(Tried) if one.run_id == run_id]
        if not failed:
            return None
        until = failed[-1] + timedelta(seconds=self._settings.triggers.retry_seconds)
        return until if failed[-1] <= now < until else None

    def _hold_to_deadline(self, record: RunRecord, attempt: int, now: datetime) -> bool:
        seconds = self._settings.triggers.deadline_seconds
        # One that an earlier controller launched has its time from now on.
        launched = self._launched.setdefault((record.run_id, attempt), self._monotonic())
        if self._monotonic() - launched < seconds:
            return False
        self._launcher.stop(record, attempt)
        problem = f"was killed: it took longer than {seconds:g} s"
        return self._write(Tried(at=now, run_id=record.run_id, problem=problem))

    def _give_up(self, run_id: str, outcome: Outcome, now: datetime) -> bool:
        if self._records.find(run_id):
            end(self._store, run_id, outcome)
        return self._write(Ended(at=now, run_id=run_id, outcome=outcome))

    def _request(self, decision: Decision) -> Request:
        events = [self._log.events[id_] for id_ in decision.events]
        evidence = {
            f"{event.trigger}: {name}" if len(events) > 1 else name: value
            for event in events
            for name, value in event.evidence.items()
        }
        return Request(
            spans=format_selection([span.number for span in decision.spans]),
            requested_by=", ".join(dict.fromkeys(event.requested_by for event in events)),
            reason=decision.reason,
            train=decision.why is Why.TRAIN,
            cache=decision.cache and self._settings.pipeline.cache,
            overrides=self._overrides,
            cause=Cause(
                events=decision.events,
                keys=tuple(event.key for event in events),
                evidence=evidence,
                window=decision.window,
            ),
        )

    def _due(self, now: datetime) -> datetime | None:
        times = [time_ for trigger in self._triggers if (time_ := trigger.due(now))]
        if self._settled and self._settled[2]:
            times.append(self._settled[2])
        if self._monitor and self._monitored:
            seconds = self._settings.triggers.monitor_seconds
            times.append(self._monitored + timedelta(seconds=seconds))
        if start := self._log.running:
            times.append(self._due_of_run(start.decision.run_id, now))
        return min(times, default=None)

    def _due_of_run(self, run_id: str, now: datetime) -> datetime:
        """When the next try may begin, or the deadline of the one that goes on is over."""
        if until := self._rests_until(run_id, now):
            return until
        launched = self._launched.get((run_id, self._log.tries(run_id)), self._monotonic())
        left = self._settings.triggers.deadline_seconds - (self._monotonic() - launched)
        return now + timedelta(seconds=max(left, 0))
