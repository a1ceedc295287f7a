"""Bad versions as canaries before a real server: they end by themselves, and good ones serve."""

import asyncio
import json

import pytest

from evergreen.lineage.stages import RegistryError
from evergreen.serving.gateway.registry import CanaryVerdict, Targets
from tests.unit.serving.gateway.backend import (
    Answer,
    alike,
    constant,
    erroring,
    good,
    slow,
)
from tests.unit.serving.gateway.worlds import LENIENT, Wanted, world


@pytest.mark.parametrize(
    ("bad", "limits", "criterion"),
    [
        (constant, LENIENT, "output distribution"),
        (erroring, LENIENT, "error rate"),
        (slow, {}, "latency p95"),
    ],
)
def test_a_bad_canary_is_rolled_back(bad: Answer, limits: dict, criterion: str) -> None:
    async def scenario() -> None:
        async with world({1: good, 2: bad}, limits=limits) as here:
            await here.flood(600)
            await here.gateway.check()
            [decision] = here.wanted.decisions
            assert (decision.verdict, decision.version) == (CanaryVerdict.REJECT, 2)
            assert criterion in decision.why
            assert "canary" in decision.evidence[criterion]
            assert set(await here.flood(50)) == {1}
            assert await here.metric("evergreen_gateway_canary_share") == 0
            rejections = {"verdict": "reject"}
            assert await here.metric("evergreen_gateway_decisions_total", **rejections) == 1

    asyncio.run(scenario())


def test_a_bad_canary_is_found_by_copies_alone() -> None:
    async def scenario() -> None:
        canary = {"steps": [0], "shadow_percent": 100, "shadow_limit": 1000}
        async with world({1: good, 2: constant}, canary=canary) as here:
            assert set(await here.flood(200)) == {1}
            await here.gateway.check()
            assert here.wanted.decisions[0].why == "worse in output distribution"

    asyncio.run(scenario())


def test_a_rejected_canary_gets_nothing_even_if_that_cannot_be_written_down() -> None:
    async def scenario() -> None:
        wanted = Wanted(refuses=RegistryError("the store is locked"))
        async with world({1: good, 2: erroring}, wanted) as here:
            await here.flood(400)
            await here.gateway.check()
            assert wanted.decisions == []
            assert set(await here.flood(50)) == {1}
            wanted.refuses = None
            await here.gateway.check()
            assert [decision.verdict for decision in wanted.decisions] == [CanaryVerdict.REJECT]

    asyncio.run(scenario())


def test_a_good_canary_is_promoted_after_it_held_each_step() -> None:
    async def scenario() -> None:
        canary = {"steps": [20, 60], "hold_seconds": 100}
        async with world({1: good, 2: alike}, canary=canary) as here:
            shares = []
            for moment in (0, 100, 150, 200):
                here.clock.now = moment
                await here.flood(800, seed=moment)
                await here.gateway.check()
                shares.append(json.loads((await here.get("/healthz"))[1])["canary_share"])
            assert shares == [0.2, 0.6, 0.6, 0.0]
            [decision] = here.wanted.decisions
            assert (decision.verdict, decision.version) == (CanaryVerdict.PROMOTE, 2)
            assert here.wanted.targets == Targets(2, None)
            assert set(await here.flood(50)) == {2}

    asyncio.run(scenario())


def test_a_canary_that_the_server_has_not_loaded_gets_nothing_until_it_has() -> None:
    async def scenario() -> None:
        async with world({1: good}) as here:
            assert set(await here.flood(50)) == {1}
            here.server.versions[2] = alike
            await here.gateway.check()
            assert set(await here.flood(50)) == {1, 2}

    asyncio.run(scenario())


def test_a_promotion_that_is_refused_again_and_again_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        wanted = Wanted(refuses=RegistryError("gateway may not: ann may"))
        canary = {"steps": [50], "hold_seconds": 0}
        async with world({1: good, 2: alike}, wanted, canary=canary) as here:
            await here.flood(800)
            for _ in range(3):
                await here.gateway.check()
            assert caplog.text.count("promote version 2; held all steps") == 1
            assert caplog.text.count("gateway may not: ann may") == 1
            assert set(await here.flood(50)) == {1, 2}
            wanted.refuses = None
            await here.gateway.check()
            assert [decision.verdict for decision in wanted.decisions] == [CanaryVerdict.PROMOTE]

    asyncio.run(scenario())
