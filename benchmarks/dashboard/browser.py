"""A real browser, Debian's chromium without a window, driven by its DevTools protocol."""

import asyncio
import base64
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
from watchfiles import awatch

CHROMIUM = shutil.which("chromium")
SECONDS = 60
PHONE = 500
PORT_FILE = "DevToolsActivePort"


class Browser:
    """One tab.

    Attributes:
        complaints: Errors of scripts and of the content security policy, and failed requests.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.complaints: list[str] = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    @asynccontextmanager
    async def open(cls, width: int = 1280, height: int = 900) -> AsyncIterator[Self]:
        """Starts the browser, and ends it."""
        assert CHROMIUM
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            process = await asyncio.create_subprocess_exec(
                CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--disable-dev-shm-usage", f"--user-data-dir={profile}",
                "--remote-debugging-port=0",
                f"--window-size={width},{height}", "about:blank",
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                port = await asyncio.wait_for(_port(Path(profile)), SECONDS)
                async with aiohttp.ClientSession() as http:
                    async with http.get(f"http://127.0.0.1:{port}/json") as answer:
                        [tab] = [
                            target for target in await answer.json() if target["type"] == "page"
                        ]
                    async with http.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as link:
                        browser = cls(link)
                        for domain in ("Page", "Runtime", "Log"):
                            await browser.call(f"{domain}.enable")
                        await browser.size(width, height)
                        yield browser
                        browser._listening.cancel()
            finally:
                process.kill()
                await process.wait()

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Asks the browser."""
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await asyncio.wait_for(answer, SECONDS)

    async def size(self, width: int, height: int, dark: bool = False) -> None:
        """Makes the window as large as a screen, light or dark."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < PHONE,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def go(self, url: str) -> None:
        """Opens a page, and waits until it is there."""
        self._loaded.clear()
        await self.call("Page.navigate", url=url)
        await asyncio.wait_for(self._loaded.wait(), SECONDS)

    async def click(self, selector: str) -> None:
        """Clicks what leads to another page, and waits until that is there."""
        self._loaded.clear()
        await self.run(
            f"document.querySelector({json.dumps(selector)})"
            ".dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))"
        )
        await asyncio.wait_for(self._loaded.wait(), SECONDS)

    async def fill(self, selector: str, text: str) -> None:
        """Writes into a field."""
        await self.run(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(text)}")

    async def run(self, script: str) -> Any:
        """Returns the value of an expression; waits for it if it is a promise."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def text(self, selector: str = "main") -> str:
        """What a person reads in a part of the page."""
        return str(await self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def until(self, selector: str, word: str) -> None:
        """Waits until a part of the page has a word, which a script puts there."""
        await self.run(f"""new Promise(done => {{
          const look = () => {{
            const found = document.querySelector({json.dumps(selector)});
            if (found && found.textContent.includes({json.dumps(word)})) done(true);
          }};
          new MutationObserver(look).observe(document, {{childList: true, subtree: true,
            characterData: true}});
          look();
        }})""")

    async def painted(self) -> float:
        """Milliseconds from asking for the page until something of it was to be seen."""
        return float(
            await self.run("""new Promise(done => new PerformanceObserver(found => {
          const paint = found.getEntriesByName('first-contentful-paint')[0];
          if (paint) done(paint.startTime);
        }).observe({type: 'paint', buffered: true}))""")
        )

    async def picture(self, file: Path) -> None:
        """Writes what is seen."""
        answer = await self.call("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(answer["data"]))

    async def _listen(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                waits = self._waiting.pop(told["id"])
                if not waits.done():
                    waits.set_result(told.get("result", told))
            elif told["method"] == "Page.loadEventFired":
                self._loaded.set()
            elif told["method"] == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
                self.complaints.append(told["params"]["entry"]["text"])
            elif told["method"] == "Runtime.exceptionThrown":
                self.complaints.append(str(told["params"]))


async def _port(profile: Path) -> int:
    file = profile / PORT_FILE
    async for _ in awatch(profile, recursive=False, yield_on_timeout=True, rust_timeout=500):
        if file.is_file() and (lines := file.read_text().splitlines()):
            return int(lines[0])
    raise AssertionError("chromium did not start")
