"""The dashboard in a real browser: a run that goes on, the graph, an action, small screens."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from benchmarks.dashboard.browser import CHROMIUM, Browser
from evergreen.lineage.claims import Claims
from evergreen.lineage.records import RunRecords
from evergreen.lineage.stages import Stage
from evergreen.planning.plan import Outcome
from tests.unit.dashboard.asking import TOKEN, dashboard
from tests.unit.lineage.worlds import World

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="apt: chromium")
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path, 6)


def browse(
    world: World, look: Callable[[Browser, str], Awaitable[None]], token: str = ""
) -> list[str]:
    """Lets a browser look at a dashboard; returns its complaints."""

    async def both() -> list[str]:
        async with TestServer(dashboard(world, token).app()) as server, Browser.open() as browser:
            await look(browser, str(server.make_url("/")).rstrip("/"))
            return browser.complaints

    return asyncio.run(both())


def test_a_run_is_seen_to_end_without_a_reload(world: World) -> None:
    records = RunRecords(world.store)
    run_id = "20300101-000000-abcdef"
    record = world.records[-1].model_copy(
        update={"run_id": run_id, "outcome": None, "finished": None, "results": None}
    )
    records.create(record)

    async def look(browser: Browser, url: str) -> None:
        with Claims(world.settings.pipeline.root).hold(run_id):
            await browser.go(f"{url}/runs/{run_id}")
            assert "running" in await browser.text("#live")
            await browser.run("window.isTheSame = true")
            ended = record.model_copy(
                update={"outcome": Outcome.PUSHED, "finished": datetime.now(UTC)}
            )
            records.update(ended)
        await browser.until("#said", "pushed")
        assert "pushed" in await browser.text("#live .badge")
        assert await browser.run("window.isTheSame")

    assert browse(world, look) == []


def test_one_walks_about_in_the_graph(world: World) -> None:
    graph = world.made(2, "Transform", "transform_graph")

    async def look(browser: Browser, url: str) -> None:
        await browser.go(f"{url}/lineage")
        await browser.click("a[href='/lineage/models/3']")
        assert "Version 3" in await browser.text("h1")
        await browser.click(f".graph a[href='/lineage/artifacts/{graph}']")
        assert f"Artifact {graph}" in await browser.text("h1")
        await browser.click(f".graph a[href='/runs/{world.records[2].run_id}']")
        assert world.records[2].run_id in await browser.text("h1")

    assert browse(world, look) == []


def test_a_version_is_promoted_and_rolled_back_by_a_person(world: World) -> None:
    async def look(browser: Browser, url: str) -> None:
        await browser.go(f"{url}/models/2")
        assert "Promote" not in await browser.text()
        await browser.go(f"{url}/sign-in")
        await browser.fill("input[name=token]", TOKEN)
        await browser.click("form.confirm button")
        await browser.go(f"{url}/models/2")
        await browser.click("a[href='/actions/promote?subject=2']")
        assert "Version 2 serves from then on" in await browser.text()
        await browser.fill("input[name=reason]", "looks <b>good</b>")
        await browser.click("form.confirm button")
        text = await browser.text()
        assert "serving" in text
        assert "looks <b>good</b>" in text

    assert browse(world, look, TOKEN) == []
    serving = [one.version for one in world.lineage.versions() if one.stage is Stage.SERVING]
    assert serving == [2]


@pytest.mark.parametrize("dark", [False, True])
def test_pages_fit_a_phone_and_the_keyboard_reaches_the_content(world: World, dark: bool) -> None:
    pages = ("/", "/runs", f"/runs/{world.records[1].run_id}", "/models", "/models/2",
             "/models/compare?one=1&other=2", "/data", "/monitors", "/triggers", "/lineage",
             "/lineage/models/2")  # fmt: skip

    async def look(browser: Browser, url: str) -> None:
        await browser.size(375, 800, dark)
        for page in pages:
            await browser.go(url + page)
            assert not await browser.run(WIDER), f"{page} is wider than a phone"
            await browser.run("document.body.focus()")
            for kind in ("keyDown", "keyUp"):
                await browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab",
                                   windowsVirtualKeyCode=9)  # fmt: skip
            assert await browser.run("document.activeElement.className") == "skip"
            assert await browser.run("document.querySelectorAll('h1').length") == 1
        background = await browser.run("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") is not dark

    assert browse(world, look) == []
