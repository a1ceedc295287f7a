"""The controller: collects events, decides, launches runs, and records every step.

Its whole state is in ML Metadata. If it is killed at any point, the next controller continues: an
event is in the log once, by its key; a start names the run before it exists; a run record is
created once, by its name; and a run does not repeat what it has finished.
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
from evergreen.lineage.store import ConflictError
from evergreen.planning.identity import take_digests
from evergreen.planning.planner import Planner
from evergreen.running.conclusion import end
from evergreen.running.orchestrator import Progress, RemoteOrchestrator
from evergreen.runs.plan import Cause, Outcome, Request, RunRecord
from evergreen.settings import Settings
from evergreen.spans import format_selection
from evergreen.triggers.decision import Decision, Ruling, Why, decide
from evergreen.triggers.event import Trigger
from evergreen.triggers.log import Decided, Ended, Entry, Tried, TriggerLog
from evergreen.triggers.state import gather

_log = logging.getLogger(__name__)


class Launcher(Protocol):
    """Carries out planned runs here, one at a time; the outcome goes into the run record."""

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        """Returns the progress of an attempt.

        Args:
            record: The run.
            attempt: Its number, from 0.
        """

    def launch(self, record: RunRecord, attempt: int) -> None:
        """Starts an attempt. Nodes that an earlier one has finished are not run again."""

    def stop(self, record: RunRecord, attempt: int) -> None:
        """Ends a running attempt at once."""

    def close(self) -> None:
        """Ends and forgets what cannot outlive the controller, so that it is absent."""

    @property
    def is_busy(self) -> bool:
        """Returns whether `close` would end something."""


class Monitor(Protocol):
    """Monitors what serves, outside of the controller, and writes findings to ML Metadata."""

    def look(self, now: datetime) -> None:
        """Begins to monitor, unless it is doing so already."""

    def check(self) -> None:
        """Raises `EvergreenError` if the last monitoring failed; ends it if it takes too long."""

    def close(self) -> None:
        """Ends monitoring under way."""


@dataclass(frozen=True)
class Step:
    """The result of one step.

    Attributes:
        entries: The new log entries since the previous step.
        due: The time of the next step due by the clock, if there is one.
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
        launcher: Launcher | RemoteOrchestrator,
        *,
        log: TriggerLog | None = None,
        overrides: Sequence[str] = (),
        monitor: Monitor | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Reads and starts nothing yet.

        Args:
            settings: The project's settings.
            store: ML Metadata.
            triggers: The sources of events.
            launcher: Carries out runs.
            log: The log, if it is shared with another reader.
            overrides: Settings that are not in any file.
            monitor: Called every `triggers.monitor_seconds`.
            monotonic: A monotonic clock in seconds, for deadlines.
        """
        self._settings = settings
        self._store = store
        self._triggers = triggers
        self._launcher = launcher
        self._local = None if isinstance(launcher, RemoteOrchestrator) else launcher
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
        """Does all that is due at a time. Call it again when something may have happened.

        Raises:
            EvergreenError: If the metadata store, or what carries out runs, cannot be used; the
                next step continues where this one ended.
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
        except ConflictError:  # a concurrent fire; the next step reads it
            return Step(self._untold(), now)
        return Step(self._untold(), self._due(now))

    def close(self) -> None:
        """Releases all runs on this machine, for the next controller to take over.

        That does not count as a failed attempt: this controller may continue them, too.
        """
        if self._local:
            self._local.close()
        if self._monitor:
            self._monitor.close()

    @property
    def is_busy(self) -> bool:
        """Returns whether `close` would end a run."""
        return self._local is not None and self._local.is_busy

    def _untold(self) -> tuple[Entry, ...]:
        """Returns new entries, including those of a step that ended with an error."""
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
        except EvergreenError as error:  # data, schedules and people do not depend on monitoring
            _log.error("monitoring: %s next: %s", error, error.hint)

    def _notice(self, now: datetime) -> None:
        for trigger in self._triggers:
            for event in trigger.poll(now):
                self._log.notice(event)

    def _advance(self, now: datetime) -> bool:
        """Advances the run under way, and decides; returns whether there is more to do."""
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
        until = min((decision.until for decision in decisions if decision.until), default=None)
        self._settled = (len(self._log.entries), now, until)
        return any(decision.verdict is Ruling.START for decision in decisions)

    def _is_settled(self, now: datetime) -> bool:
        """Returns whether a decision would be the last one again: no event, no wait has ended."""
        if self._settled is None:
            return False
        entries, at, until = self._settled
        return len(self._log.entries) == entries and at <= now and (until is None or now < until)

    def _is_known(self, decision: Decision) -> bool:
        """Returns whether a wait is recorded already."""
        if decision.verdict is not Ruling.WAIT:
            return False
        last = [self._log.decisions(event)[-1:] for event in decision.events]
        return all(
            known
            and (known[0].decision.why, known[0].decision.until) == (decision.why, decision.until)
            for known in last
        )

    def _carry_on(self, decision: Decision, now: datetime) -> bool:
        """Advances a started run; returns whether it has changed."""
        run_id, tries = decision.run_id, self._log.tries(decision.run_id)
        record = self._records.find(run_id)
        progress = self._launcher.progress(record, tries) if record else Progress.ABSENT
        if record and progress is Progress.GOES_ON:
            return self._hold_to_deadline(record, tries, now)
        if record and not record.can_go_on:
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
        remote = self._local is None
        try:
            self._planner.plan(self._request(decision), run_id=decision.run_id, remote=remote)
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
        """Returns when the next attempt may begin, if one has just failed."""
        failed = [entry.at for entry in self._log.of(Tried) if entry.run_id == run_id]
        if not failed:
            return None
        until = failed[-1] + timedelta(seconds=self._settings.triggers.retry_seconds)
        return until if failed[-1] <= now < until else None

    def _hold_to_deadline(self, record: RunRecord, attempt: int, now: datetime) -> bool:
        seconds = self._settings.triggers.deadline_seconds
        # For a run that an earlier controller launched, the time starts now.
        launched = self._launched.setdefault((record.run_id, attempt), self._monotonic())
        if self._monotonic() - launched < seconds:
            return False
        self._launcher.stop(record, attempt)
        problem = f"was killed: it took longer than {seconds:g} s"
        return self._write(Tried(at=now, run_id=record.run_id, problem=problem))

    def _give_up(self, run_id: str, outcome: Outcome, now: datetime) -> bool:
        if self._records.find(run_id):
            end(self._settings, self._store, run_id, outcome)
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
        """Returns when the next attempt may begin, or when the current one's deadline ends."""
        if until := self._rests_until(run_id, now):
            return until
        launched = self._launched.get((run_id, self._log.tries(run_id)), self._monotonic())
        left = self._settings.triggers.deadline_seconds - (self._monotonic() - launched)
        return now + timedelta(seconds=max(left, 0))
