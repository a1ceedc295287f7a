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
from evergreen.runs.plan import Outcome
from tests.unit.dashboard.asking import TOKEN, dashboard
from tests.unit.lineage.worlds import World

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="apt: chromium")
LOG = "document.querySelector('.log')"
IS_AT_THE_END = (
    f"{LOG}.scrollTop > 0 && {LOG}.scrollTop + {LOG}.clientHeight > {LOG}.scrollHeight - 2"
)
TAB = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
SEEN = """document.activeElement === document.body
  || getComputedStyle(document.activeElement).outlineStyle !== 'none'"""
"""Whether one sees where the keyboard is; after the last place, it has left the page."""
NAMELESS = """[...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')]
  .filter(one => !(one.innerText || one.ariaLabel || one.textContent.trim()
    || (one.labels && one.labels.length))).map(one => one.outerHTML)"""
FAINT = """(() => {
  const numbers = color => color.match(/[\\d.]+/g).map(Number);
  const light = color => {
    const [r, g, b] = numbers(color).slice(0, 3).map(one => one / 255)
      .map(one => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = node => {
    for (let one = node; one; one = one.parentElement) {
      const rect = one.matches('.box') ? one.querySelector('rect') : null;
      const color = rect ? getComputedStyle(rect).fill : getComputedStyle(one).backgroundColor;
      const parts = numbers(color);
      if (parts.length && (parts.length < 4 || parts[3] > 0)) return color;
    }
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !parent.checkVisibility()) continue;
    const style = getComputedStyle(parent);
    const color = parent.closest('svg') ? style.fill : style.color;
    const [one, other] = [light(color), light(behind(parent))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const least = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    if (ratio < least) found.push(`${walker.currentNode.textContent.trim()}: ${ratio.toFixed(2)}`);
  }
  return found;
})()"""
"""Texts that do not stand out from what is behind them as WCAG 2.1 (1.4.3, AA) asks for."""
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
    log = world.settings.logs.folder / "run-1.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("\n".join([f"run {run_id}", *(f"line {number}" for number in range(500)), ""]))

    async def look(browser: Browser, url: str) -> None:
        with Claims(world.settings.pipeline.root).hold(run_id):
            await browser.go(f"{url}/runs/{run_id}")
            assert "running" in await browser.text("#live")
            assert "line 499" in await browser.text(".log")
            assert await browser.run(IS_AT_THE_END)
            await browser.run("window.isTheSame = true")
            await browser.run(f"{LOG}.focus()")
            with log.open("a") as file:
                file.write("one <b>more</b> line\n")
            await browser.until(".log", "one <b>more</b> line")
            assert await browser.run(IS_AT_THE_END)
            assert await browser.run(f"document.activeElement === {LOG}")
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
        assert world.records[2].run_id in await browser.text("header")
        await browser.go(f"{url}/lineage/spans/2")
        assert "Span 2" in await browser.text("h1")
        await browser.click(".graph a[href^='/lineage/artifacts/']")
        assert "Artifact" in await browser.text("h1")

    assert browse(world, look) == []


def test_a_version_is_promoted_by_a_person(world: World) -> None:
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
    serving = [
        version.version for version in world.lineage.versions() if version.stage is Stage.SERVING
    ]
    assert serving == [2]


async def tab(browser: Browser) -> None:
    for kind in ("keyDown", "keyUp"):
        await browser.call("Input.dispatchKeyEvent", type=kind, **TAB)


@pytest.mark.parametrize("dark", [False, True])
def test_pages_fit_a_phone_and_the_keyboard_reaches_the_content(world: World, dark: bool) -> None:
    pages = ("/", "/runs", f"/runs/{world.records[1].run_id}", "/models", "/models/2",
             "/models/compare?one=1&other=2", "/data", "/monitors", "/triggers", "/lineage",
             "/lineage/models/2", "/lineage/spans/2", "/nowhere", "/actions/promote?subject=2",
             "/sign-in")  # fmt: skip

    async def look(browser: Browser, url: str) -> None:
        await browser.size(375, 800, dark)
        for page in pages:
            await browser.go(url + page)
            assert not await browser.run(WIDER), f"{page} is wider than a phone"
            if page != "/sign-in":  # where one is to write at once
                await browser.run("document.body.focus()")
                await tab(browser)
                assert await browser.run("document.activeElement.className") == "skip"
            for _ in range(12):
                await tab(browser)
                assert await browser.run(SEEN), page
            assert await browser.run("document.querySelectorAll('h1').length") == 1
            assert await browser.run("document.querySelectorAll('main, nav').length") >= 2
            assert await browser.run(NAMELESS) == [], page
            assert await browser.run(FAINT) == [], page
        background = await browser.run("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") is not dark

    missing = "Failed to load resource: the server responded with a status of 404 (Not Found)"
    assert set(browse(world, look, TOKEN)) <= {missing}
