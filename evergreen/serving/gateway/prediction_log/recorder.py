"""The thread that parses and writes predictions, so that requests never wait for it."""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field

from evergreen.serving.gateway.metrics import Metrics
from evergreen.serving.gateway.prediction_log.entries import Entry, TooLargeError
from evergreen.serving.gateway.prediction_log.files import Files, WriteError
from evergreen.serving.gateway.prediction_log.reader import numbers, read

log = logging.getLogger(__name__)
MIB = 2**20
WAKE_SECONDS = 0.5
"""The interval at which an idle thread checks whether a file is due."""
Observe = Callable[[int, Mapping[str, float]], None]


@dataclass(eq=False)
class Recorder:
    """Queues predictions. If it falls behind, or the disk is full, they are dropped and counted.

    Args:
        files: The files to write; None if predictions are only evaluated.
        sample: The share of the predictions to log.
        max_bytes: The most bytes of waiting predictions.
        max_entry: The most bytes of one prediction; parsing takes many times as much.
        observe: Called on the thread with version and numbers of each answer; may be None.
        metrics: Counts written and dropped predictions.
        chances: Selects the predictions to log.
    """

    _files: Files | None
    sample: InitVar[float]
    _max_bytes: float
    _max_entry: float
    _observe: Observe | None
    _metrics: Metrics
    _chances: random.Random
    _queue: queue.SimpleQueue[Entry | threading.Event | None] = field(
        default_factory=queue.SimpleQueue
    )
    # Each is written by only one thread: predictions queued, and predictions done.
    _taken: int = 0
    _done: int = 0
    _warned: set[str] = field(default_factory=set)

    def __post_init__(self, sample: float) -> None:
        self._sample = sample if self._files else 0.0
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def offer(self, entry: Entry) -> None:
        """Queues a prediction, unless too much is waiting; never blocks."""
        entry.is_logged = self._sample == 1 or self._chances.random() < self._sample
        if not entry.is_logged and (self._observe is None or entry.version is None):
            return
        if entry.size > self._max_entry:
            self._drop("large", 1, f"{entry.size:,} bytes of request and answer")
            return
        if self._taken - self._done + entry.size > self._max_bytes:
            self._drop("queue", 1, "predictions come faster than they can be read")
            return
        self._taken += entry.size
        self._queue.put(entry)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def settle(self) -> None:
        """Waits until all queued predictions are parsed and observed, though not yet written."""
        done = threading.Event()
        self._queue.put(done)
        done.wait()

    def close(self) -> None:
        """Writes the queued predictions, and ends the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=WAKE_SECONDS)
            except queue.Empty:
                self._write_if_due()
                continue
            if item is None:
                self._write()
                return
            if isinstance(item, threading.Event):
                item.set()
                continue
            self._take(item)
            self._done += item.size
            self._write_if_due()
            time.sleep(0)  # releases Python's lock, since requests have priority

    def _take(self, entry: Entry) -> None:
        try:
            prediction = read(entry)
            if self._observe and entry.version is not None:
                self._observe(entry.version, numbers(prediction))
            if self._files and entry.is_logged:
                self._files.add(entry, prediction)
        except TooLargeError as error:
            self._drop("large", 1, str(error))
        except Exception as error:  # one bad entry must not stop the thread
            self._drop("unreadable", 1, f"{entry.api}: {type(error).__name__}: {error}")

    def _write_if_due(self) -> None:
        if self._files and self._files.is_due:
            self._write()

    def _write(self) -> None:
        if self._files is None:
            return
        try:
            written = self._files.write()
        except WriteError as error:
            self._drop("disk", error.rows, str(error))
        except Exception:  # the thread must go on: without it no canary ends
            log.exception("prediction log: a file")
            self._metrics.failures.labels("log").inc()
        else:
            self._metrics.logged.inc(written.rows)
            self._warned.discard("disk")
            if written.refused:
                self._drop("unreadable", written.refused, "rows that Parquet does not take")

    def _drop(self, reason: str, count: int, message: str) -> None:
        """Counts dropped predictions; logs it once, and again after a time without drops."""
        self._metrics.dropped.labels(reason).inc(count)
        if reason not in self._warned:
            self._warned.add(reason)
            log.warning("prediction log: %s; predictions are dropped, and counted", message)
