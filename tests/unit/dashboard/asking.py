"""Asks a dashboard over HTTP."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from evergreen.dashboard.actions import Place
from evergreen.dashboard.server import Dashboard, UseCase
from evergreen.launch import options
from evergreen.settings import Settings
from tests.project import ROOT, places
from tests.unit.lineage.worlds import World

TOKEN = "a token of the tests"
Answer = TypeVar("Answer")


def place_of(world: World) -> Place:
    """How commands find the project of a world."""
    folder = world.settings.reports.folder.parent
    metadata = f"metadata.sqlite={world.settings.metadata.sqlite}"
    return Place(tuple(options(ROOT, "taxi", ["local"], [*places(folder), metadata])))


def dashboard(world: World, token: str = "", settings: Settings | None = None) -> Dashboard:
    """A dashboard of a world."""
    return Dashboard([UseCase(settings or world.settings, place_of(world))], token)


def ask(served: Dashboard, asks: Callable[[TestClient], Awaitable[Answer]]) -> Answer:
    """Serves, and lets a client ask."""

    async def both() -> Answer:
        # Addresses are no names: a jar for names would keep no cookie.
        server = TestServer(served.app())
        async with TestClient(server, cookie_jar=CookieJar(unsafe=True)) as client:
            return await asks(client)

    return asyncio.run(both())


def get(served: Dashboard, *paths: str) -> list[tuple[int, str]]:
    """Returns status and text of pages."""

    async def asks(client: TestClient) -> list[tuple[int, str]]:
        found = []
        for path in paths:
            async with client.get(path, allow_redirects=False) as answer:
                found.append((answer.status, await answer.text()))
        return found

    return ask(served, asks)


async def signed_in(client: TestClient) -> None:
    async with client.post("/sign-in", data={"token": TOKEN}) as answer:
        assert answer.status == 200


async def form(client: TestClient, path: str) -> dict[str, str]:
    async with client.get(path) as answer:
        text = await answer.text()
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))
