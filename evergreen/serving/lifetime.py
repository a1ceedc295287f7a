"""Runs a server until it is told to end."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress


async def until_told(work: Coroutine[None, None, None]) -> None:
    """Runs work until SIGTERM or SIGINT cancels it; a second signal skips the drain."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
