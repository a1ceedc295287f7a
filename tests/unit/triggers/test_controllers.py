"""The controllers of all use cases: each in its own process, none waits for another."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evergreen.triggers import controllers
from evergreen.triggers.controllers import control

CONTROLLER = """
import os, pathlib, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
signal.sigwait([signal.SIGTERM])
pathlib.Path(sys.argv[1] + ".ended").touch()
"""


async def until(check: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not check():
            await asyncio.sleep(0.02)


def test_each_use_case_has_a_controller_whatever_happens_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controllers, "LOOK_SECONDS", 0.1)
    present, heartbeat = ["taxi"], tmp_path / "heartbeat"

    def command(name: str) -> list[str]:
        return [sys.executable, "-c", CONTROLLER, str(tmp_path / name)]

    def process_of(name: str) -> int:
        file = tmp_path / name
        return int(file.read_text() or 0) if file.exists() else 0

    async def scene() -> None:
        task = asyncio.create_task(control(lambda: list(present), command, heartbeat))
        await until(lambda: process_of("taxi"))
        taxi = process_of("taxi")
        present.append("flights")  # a new one, while the first is watched
        await until(lambda: process_of("flights"))
        flights = process_of("flights")
        os.kill(flights, 9)  # one crashes
        await until(lambda: process_of("flights") not in (0, flights))
        present.remove("flights")  # one is gone
        await until((tmp_path / "flights.ended").exists)
        assert process_of("taxi") == taxi
        assert not (tmp_path / "taxi.ended").exists()
        assert heartbeat.exists()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (tmp_path / "taxi.ended").exists()

    asyncio.run(scene())


def test_a_controller_that_hangs_is_killed_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(controllers, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(controllers, "HANGS_SECONDS", 0.0)
    hangs = [sys.executable, "-c", "import time; time.sleep(600)", str(tmp_path)]

    async def scene() -> None:
        task = asyncio.create_task(control(lambda: ["taxi"], lambda _: hangs))
        await until(lambda: "taxi: its controller hung, and was killed" in caplog.text)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scene())
