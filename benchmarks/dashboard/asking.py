"""Asks a dashboard for its pages, over a large store: as a program does, and in a browser."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import urllib3
from rich.console import Console

from benchmarks import machine
from benchmarks.dashboard.browser import CHROMIUM, Browser
from benchmarks.lineage.history import make_history
from benchmarks.result import Measurement
from evergreen.errors import EvergreenError
from evergreen.lineage.reader import Lineage
from evergreen.lineage.store import open_store
from evergreen.settings import load_settings

PROJECT = Path(__file__).parents[2]


class Result(Measurement):
    """What was measured.

    Attributes:
        runs: In the store.
        artifacts: In the store.
        asked: Milliseconds until a page was there, by path.
        painted: Milliseconds until something was to be seen in the browser, by path.
    """

    runs: int
    artifacts: int
    asked: Mapping[str, list[float]]
    painted: Mapping[str, list[float]]


def measure_all(runs: int, rounds: int, folder: Path, console: Console) -> Result:
    """Makes a store, and asks for the pages.

    Args:
        runs: How many runs the store has.
        rounds: How often each page is asked for; in the browser a quarter as often.
        folder: For the store; replaced.
        console: To say how far it is.

    Raises:
        EvergreenError: If there is no browser.
    """
    if not CHROMIUM:
        raise EvergreenError("there is no chromium.", hint="apt-get install chromium")
    started, here = datetime.now(UTC), machine.describe()
    shutil.rmtree(folder, ignore_errors=True)
    overrides = [f"metadata.sqlite={folder}/metadata.sqlite", f"pipeline.root={folder}/pipeline"]
    settings = load_settings(PROJECT, overrides=overrides)
    store = open_store(settings.metadata)
    with console.status(f"making a store of {runs} runs"):
        make_history(settings, store, runs)
    paths = _paths(Lineage(store, settings.model.name), runs)
    with _served(overrides) as url, console.status("asking"):
        asked = {path: _milliseconds(url + path, rounds) for path in paths}
        painted = asyncio.run(_painted(url, paths, max(rounds // 4, 1)))
    artifacts = len(store.get_artifacts())
    return Result(machine=here, started=started, runs=runs, artifacts=artifacts, asked=asked,
                  painted=painted)  # fmt: skip


def _paths(lineage: Lineage, runs: int) -> list[str]:
    middle = lineage.runs()[runs // 2]
    version, span = middle.model_version or 1, middle.window[0].number
    return [
        "/",
        "/runs",
        "/runs?sort=auc",
        "/runs?outcome=model+refused",
        f"/runs/{middle.run_id}",
        "/models",
        f"/models/{version}",
        f"/models/compare?one={version}&other=1",
        "/data",
        "/monitors",
        "/triggers",
        "/lineage",
        f"/lineage/models/{version}",
        f"/lineage/spans/{span}",
    ]


@contextmanager
def _served(overrides: list[str]) -> Iterator[str]:
    pairs = [word for pair in (*overrides, "dashboard.port=0") for word in ("--set", pair)]
    command = [str(Path(sys.executable).with_name("evergreen")), "dashboard", *pairs]
    with subprocess.Popen(  # noqa: S603 - a command of our own
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        line = next(line for line in process.stdout if line.startswith("next: open "))
        try:
            yield line.removeprefix("next: open ").strip()
        finally:
            process.terminate()


def _milliseconds(url: str, rounds: int) -> list[float]:
    found = []
    with urllib3.PoolManager() as pool:
        for _ in range(rounds):
            begun = time.perf_counter()
            answer = pool.request("GET", url)
            found.append((time.perf_counter() - begun) * 1000)
            assert answer.status == 200, url  # noqa: PLR2004
    return found


async def _painted(url: str, paths: list[str], rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {path: [] for path in paths}
    async with Browser.open() as browser:
        for _ in range(rounds):
            for path in paths:
                await browser.go(url + path)
                found[path].append(float(await browser.painted()))
    return found
