"""An interrupt that does not get lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer, current_thread, get_ident, main_thread
from types import FrameType

SECONDS = 2.0
"""How long an interrupt may take to arrive before it is raised again."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def lasting_interrupts() -> Iterator[None]:
    """Raises KeyboardInterrupt again, every two seconds, until it has left the context.

    Python drops an exception that a signal raises in a finalizer or in a library's callback, and
    the code of nodes has many of both. Signals that raise no KeyboardInterrupt are left alone.
    """
    if current_thread() is not main_thread():
        yield
        return
    timers: list[Timer] = []
    is_over = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        if is_over:  # it was on its way when the first one arrived
            return
        timer = Timer(SECONDS, signal.pthread_kill, [get_ident(), number])
        timer.daemon = True
        timers.append(timer)
        timer.start()
        signal.default_int_handler(number, frame)

    changed = [each for each in SIGNALS if signal.getsignal(each) is signal.default_int_handler]
    for number in changed:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        is_over = True
        for timer in timers:
            timer.cancel()
            timer.join()
        for number in changed:
            signal.signal(number, signal.default_int_handler)
