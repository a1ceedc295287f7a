"""The controllers of all use cases of a project, each in a process of its own.

None waits for another: each has its triggers, log, lease and runs. One that crashes or hangs is
started again, and the others go on. They end with this process, however it ends.
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from evergreen.launch import leashed
from evergreen.triggers.loop import SLOWEST_SECONDS
from evergreen.triggers.signals import SOCKET, beat

_log = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
"""The interval between looks for use cases that are new or gone, and at the heartbeats."""
HANGS_SECONDS = 600.0
"""The age of a heartbeat that tells that a controller hangs."""
STOP_SECONDS = 20.0
"""The time in which a controller must end."""
Command = Callable[[str], Sequence[str]]


async def control(
    use_cases: Callable[[], Iterable[str]], command: Command, heartbeat: Path | None = None
) -> None:
    """Keeps a controller running for each use case, until it is cancelled.

    Args:
        use_cases: Returns the names of the present use cases.
        command: Returns the command that runs the controller of a use case, and takes
            `--heartbeat FILE`.
        heartbeat: A file to touch, if any, as `beat` does.
    """
    kept: dict[str, asyncio.Task[None]] = {}
    with TemporaryDirectory(prefix="evergreen-watch-") as folder:
        try:
            while True:
                present = set(use_cases())
                for name in sorted(present - kept.keys()):
                    _log.info("%s: its controller begins", name)
                    keeping = _keep(name, command(name), Path(folder, name))
                    kept[name] = asyncio.create_task(keeping)
                for name in sorted(kept.keys() - present):
                    _log.info("%s: the use case is gone; its controller ends", name)
                    await _end([kept.pop(name)])
                try:
                    beat(heartbeat)
                except OSError as error:
                    _log.error("the heartbeat: %s", error)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await _end(kept.values())


async def _end(tasks: Iterable["asyncio.Task[None]"]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


async def _keep(name: str, command: Sequence[str], heartbeat: Path) -> None:
    """Runs the controller of a use case, again and again; waits longer after each quick end."""
    quick = 0
    while True:
        began = time.monotonic()
        ended = await _run(command, heartbeat)
        quick = quick + 1 if time.monotonic() - began < SLOWEST_SECONDS else 0
        wait = min(LOOK_SECONDS * 2**quick, SLOWEST_SECONDS)
        _log.error("%s: its controller %s; it is started again in %g s", name, ended, wait)
        await asyncio.sleep(wait)


async def _run(command: Sequence[str], heartbeat: Path) -> str:
    """Runs a controller until it ends or hangs; returns what has happened."""
    heartbeat.touch()
    own = {name: value for name, value in os.environ.items() if name != SOCKET}
    process = await asyncio.create_subprocess_exec(
        *leashed([*command, f"--heartbeat={heartbeat}"]),
        stdin=asyncio.subprocess.DEVNULL,
        env=own,  # systemd listens to this process alone
        start_new_session=True,  # a terminal's signals come to this process, which hands them on
    )
    try:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    return f"ended with exit code {await process.wait()}"
            if time.time() - heartbeat.stat().st_mtime > HANGS_SECONDS:
                process.kill()
                await process.wait()
                return "hung, and was killed"
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
