"""An interrupt ends the work of nodes, wherever it arrives."""

import signal
from threading import Event

import pytest

from evergreen.running import interruption
from evergreen.running.interruption import lasting_interrupts


class Unlucky:
    """Is interrupted while it is finalized, where Python drops exceptions."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_python_drops_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "SECONDS", 0.01)

    def lose_it() -> None:
        unlucky = Unlucky()
        del unlucky  # the exception is dropped here
        Event().wait(60)
        pytest.fail("the interrupt is lost")

    with pytest.raises(KeyboardInterrupt), lasting_interrupts():
        lose_it()


def test_one_that_arrives_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "SECONDS", 0.2)
    with pytest.raises(KeyboardInterrupt), lasting_interrupts():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not Event().wait(0.5)


def test_signals_that_are_ignored_stay_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with lasting_interrupts():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
