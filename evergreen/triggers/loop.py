"""The loop around the controller: sleeps until something may have happened."""

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
"""Between tries of a step that fails."""
BEAT_SECONDS = 60.0
NAMES = ("span-", "version-", WAKE)
"""What a span appears by, and what a person who fires touches."""


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
        """Nothing is started yet.

        Args:
            settings: The project's settings.
            lease: The right to lead.
            now: The clock.
            heartbeat: A file to touch while all is well.
            renewed: Whether there are other settings, for which it is to end.
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
        """Has it look at once; from any thread."""
        self._wake.set()

    def stop(self) -> None:
        """Has it return soon; from any thread, but not from a signal's handler."""
        self._stop.set()
        self._wake.set()

    def __call__(self, controller: Controller) -> bool:
        """Steps when something happens, a time has come, or `triggers.poll_seconds` are over.

        Returns:
            Whether it ended as there are other settings.
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
        """One step, if this one leads; returns how long to sleep at most."""
        if not self._leads(controller):
            return self._poll
        try:
            step = controller.step(self._now())
        except (EvergreenError, StatusError, OSError) as error:
            return self._failed(error)
        except Exception as error:
            # Of the code's own. To end would end a run that goes on, and change nothing.
            log.exception("a step of the controller failed")
            return self._failed(error)
        self._failures = 0
        for entry in step.entries:
            log.info("%s", line(entry))
        left = (step.due - self._now()).total_seconds() if step.due else self._poll
        return min(max(left, 0), self._poll)

    def _leads(self, controller: Controller) -> bool:
        leads = self._lease.held
        if leads is None:  # nobody can tell: what goes on goes on
            return False
        if leads is not self._led:
            log.info("this controller leads" if leads else "another controller leads; waiting")
            if self._led:
                controller.close()
            self._led = leads
        return leads

    def _failed(self, error: Exception) -> float:
        """Says what went wrong; waits longer each time, but for what wakes it."""
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
        """Wakes the loop when a span appears, or somebody fires, where the file system tells."""
        try:
            self._await_files()
        except (OSError, RuntimeError) as error:  # RuntimeError: of watchfiles' own (1.2)
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
