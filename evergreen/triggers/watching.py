"""The loop around the controller: sleeps until something may have happened."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

from ml_metadata.errors import StatusError
from watchfiles import Change, watch

from evergreen.errors import EvergreenError
from evergreen.settings import Settings
from evergreen.triggers import places
from evergreen.triggers.controller import Controller
from evergreen.triggers.leading import Lease
from evergreen.triggers.telling import line

log = logging.getLogger(__name__)
DEBOUNCE_MILLISECONDS = 100
NAMES = ("span-", "version-", places.WAKE)
"""What a span appears by, and what a person who fires touches."""


class Watch:
    """Runs a controller until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        lease: Lease,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Nothing is started yet.

        Args:
            settings: The project's settings.
            lease: The right to lead.
            now: The clock.
        """
        self._settings = settings
        self._lease = lease
        self._now = now
        self._wake = Event()
        self._stop = Event()

    def wake(self) -> None:
        """Has it look at once; from any thread."""
        self._wake.set()

    def stop(self) -> None:
        """Has it return soon; from any thread, or a signal's handler."""
        self._stop.set()
        self._wake.set()

    def __call__(self, controller: Controller) -> None:
        """Steps when something happens, a time has come, or `triggers.poll_seconds` are over."""
        Thread(target=self._watch_files, name="files", daemon=True).start()
        leads = None
        try:
            while not self._stop.is_set():
                leads, seconds = self._turn(controller, leads)
                self._wake.wait(seconds)
                self._wake.clear()
        finally:
            controller.close()

    def _turn(self, controller: Controller, led: bool | None) -> tuple[bool, float]:
        """One step, if this one leads; returns that, and how long to sleep at most."""
        poll = self._settings.triggers.poll_seconds
        try:
            leads = self._lease.held()
            if leads is not led:
                log.info("this controller leads" if leads else "another controller leads; waiting")
            if not leads:
                if led:
                    controller.close()
                return leads, poll
            step = controller.step(self._now())
        except (EvergreenError, StatusError, OSError) as error:
            hint = getattr(error, "hint", "") or f"It is tried again in {poll:g} s."
            log.error("%s: %s next: %s", type(error).__name__, error, hint)
            return bool(led), poll
        for entry in step.entries:
            log.info("%s", line(entry))
        left = (step.due - self._now()).total_seconds() if step.due else poll
        return leads, min(max(left, 0), poll)

    def _watch_files(self) -> None:
        """Wakes the loop when a span appears, or somebody fires."""
        folders = [places.folder(self._settings)]
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
