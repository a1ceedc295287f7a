"""A registry that hangs, or whose process dies, holds up no request."""

import asyncio
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from evergreen.errors import EvergreenError
from evergreen.serving.gateway import aside
from evergreen.serving.gateway.aside import Aside, SilentError
from evergreen.serving.gateway.registry import Targets
from tests.unit.serving.gateway.worlds import Wanted, world


class Store:
    """Lives in a process of its own."""

    asked = 0

    def ask(self, number: int, *, twice: bool = False) -> tuple[int, int]:
        self.asked += 1
        return self.asked, number * (1 + twice)

    def refuse(self) -> None:
        raise EvergreenError("no such version.", hint="Look.")

    def fail(self) -> None:
        raise KeyError("a")

    def hang(self) -> None:
        signal.pause()

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_hangs_or_dies_is_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        store = Aside(Store, 0.2)
        try:
            assert await store.call("ask", 3, twice=True) == (1, 6)
            with pytest.raises(EvergreenError, match="no such version") as refused:
                await store.call("refuse")
            assert refused.value.hint == "Look."
            with pytest.raises(RuntimeError, match="KeyError"):
                await store.call("fail")
            store._seconds = 60  # however slow this machine is
            assert await store.call("ask", 4) == (2, 4)  # the same process
            for method in ("hang", "die"):
                store._seconds = 0.2
                with pytest.raises(SilentError):
                    await store.call(method)
                store._seconds = 60
                assert await store.call("ask", 5) == (1, 5)  # another
        finally:
            store.stop()

    monkeypatch.setattr(aside, "START_SECONDS", 120.0)
    asyncio.run(scenario())


def test_the_answer_to_a_cancelled_call_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        store = Aside(Store, 5)
        try:
            assert await store.call("ask", 3) == (1, 3)
            asking = asyncio.create_task(store.call("hang"))
            done, _ = await asyncio.wait({asking}, timeout=0.1)
            assert not done
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert await store.call("ask", 5) == (1, 5)  # of another process
        finally:
            store.stop()

    monkeypatch.setattr(aside, "START_SECONDS", 120.0)
    asyncio.run(scenario())


@dataclass
class Hanging(Wanted):
    """Hangs when it is told to."""

    hangs: bool = False
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def current(self) -> Targets:
        if self.hangs:
            await self.let_go.wait()
        return await super().current()


def test_requests_do_not_wait_for_a_registry_that_hangs() -> None:
    async def scenario() -> None:
        wanted = Hanging(Targets(1, None))
        async with world(wanted=wanted) as here:
            wanted.hangs = True
            wanted.targets = Targets(2, None)
            for _ in range(3):
                await here.gateway.check()
                assert (await here.predict())[0] == 1
            assert (await here.get("/healthz"))[0] == 200
            answer = here.server.versions.pop(1)
            for _ in range(3):  # what is not there is looked for; that does not wait either
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await here.predict()
                assert refused.value.code() is grpc.StatusCode.NOT_FOUND
            here.server.versions[1] = answer
            wanted.let_go.set()
            while (await here.predict())[0] != 2:
                await here.gateway.check()

    asyncio.run(scenario())


def test_the_log_is_written_before_servers_are_waited_for(tmp_path: Path) -> None:
    """What waits longer than the platform does is killed."""
    written: list[Path] = []

    async def expose() -> None:
        while not written:
            written.extend(tmp_path.rglob("*.parquet"))
            await asyncio.sleep(0.01)

    async def scenario() -> None:
        wanted, log = Wanted(Targets(1, 9)), {"folder": tmp_path, "rotate_seconds": 1000}
        async with world(wanted=wanted, log=log, expose=expose) as here:
            await here.predict()
            await here.gateway.settle()
            assert not written

    asyncio.run(scenario())
    assert written
