"""The loop around the controller, which sleeps until something may have happened."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

from ml_metadata.errors import StatusError
from watchfiles import Change, watch

from evergreen.errors import EvergreenError
from evergreen.settings import Settings
from evergreen.triggers.controller import Controller
from evergreen.triggers.leader import KeptLease, Lease
from evergreen.triggers.signals import WAKE, beat, folder
from evergreen.triggers.story import line

log = logging.getLogger(__name__)
DEBOUNCE_MILLISECONDS = 100
SLOWEST_SECONDS = 120.0
"""The longest wait between attempts of a failing step."""
BEAT_SECONDS = 60.0
NAMES = ("span-", "version-", WAKE)
"""Beginnings of names that appear with a span, and the file that firing touches."""


class Watch:
    """Runs a controller until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        lease: Lease,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        heartbeat: Path | None = None,
        renewed: Callable[[], bool] = lambda: False,
    ) -> None:
        """Starts nothing yet.

        Args:
            settings: The project's settings.
            lease: The lease of the leader.
            now: The clock.
            heartbeat: A file to touch while the loop works.
            renewed: Returns whether the settings have changed, so that it should end.
        """
        self._settings = settings
        self._poll = settings.triggers.poll_seconds
        self._lease = KeptLease(lease, self._poll, self.wake)
        self._now = now
        self._heartbeat = heartbeat
        self._renewed = renewed
        self._wake = Event()
        self._stop = Event()
        self._led: bool | None = None
        self._failures = 0

    def wake(self) -> None:
        """Makes it check at once; callable from any thread."""
        self._wake.set()

    def stop(self) -> None:
        """Makes it return soon; callable from any thread, but not from a signal handler."""
        self._stop.set()
        self._wake.set()

    def __call__(self, controller: Controller) -> bool:
        """Steps when something happens, a time has come, or `triggers.poll_seconds` have passed.

        Returns:
            Whether it ended because the settings have changed.
        """
        Thread(target=self._watch_files, name="files", daemon=True).start()
        Thread(target=self._lease.keep, args=[self._stop], name="lease", daemon=True).start()
        try:
            while not self._stop.is_set():
                if self._renewed() and not controller.is_busy:
                    return True
                self._sleep(self._turn(controller))
            return False
        finally:
            self._stop.set()
            controller.close()

    def _turn(self, controller: Controller) -> float:
        """Makes a step if this controller leads; returns the longest time to sleep."""
        if not self._leads(controller):
            return self._poll
        try:
            step = controller.step(self._now())
        except (EvergreenError, StatusError, OSError) as error:
            return self._failed(error)
        except Exception as error:
            # A bug. Ending would end the run under way, and not help.
            log.exception("a step of the controller failed")
            return self._failed(error)
        self._failures = 0
        for entry in step.entries:
            log.info("%s", line(entry))
        left = (step.due - self._now()).total_seconds() if step.due else self._poll
        return min(max(left, 0), self._poll)

    def _leads(self, controller: Controller) -> bool:
        leads = self._lease.held
        if leads is None:  # unknown: runs under way continue
            return False
        if leads is not self._led:
            log.info("this controller leads" if leads else "another controller leads; waiting")
            if self._led:
                controller.close()
            self._led = leads
        return leads

    def _failed(self, error: Exception) -> float:
        """Logs a failure; waits longer each time, unless woken."""
        wait = max(self._poll, min(self._poll * 2**self._failures, SLOWEST_SECONDS))
        self._failures = min(self._failures + 1, 10)
        hint = getattr(error, "hint", "") or f"It is tried again in {wait:g} s."
        log.error("%s: %s next: %s", type(error).__name__, error, hint)
        return wait

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._beat()
        while not self._wake.wait(min(until - time.monotonic(), BEAT_SECONDS)):
            if time.monotonic() >= until:
                break
            self._beat()
        self._wake.clear()

    def _beat(self) -> None:
        try:
            beat(self._heartbeat)
        except OSError as error:
            log.error("the heartbeat: %s", error)

    def _watch_files(self) -> None:
        """Wakes the loop when a span appears or somebody fires, if the file system notifies."""
        try:
            self._await_files()
        except (OSError, RuntimeError) as error:  # watchfiles (1.2) raises RuntimeError
            log.warning("the file system tells nothing (%s): looking every %g s", error, self._poll)

    def _await_files(self) -> None:
        folders = [folder(self._settings)]
        if self._settings.triggers.new_data and self._settings.triggers.new_data.watch:
            folders.append(self._settings.data.span_root)
            folders[-1].mkdir(parents=True, exist_ok=True)
        changes = watch(
            *folders,
            watch_filter=_is_news,
            debounce=DEBOUNCE_MILLISECONDS,
            stop_event=self._stop,
            raise_interrupt=False,
        )
        for _ in changes:
            self._wake.set()


def _is_news(change: Change, path: str) -> bool:
    return change is not Change.deleted and Path(path).name.startswith(NAMES)
