"""The web server: paths, pages, errors, and runs that are shown live."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware
from jinja2 import Environment, FileSystemLoader
from ml_metadata import errors

from evergreen.dashboard import actions, security
from evergreen.dashboard.actions import Place
from evergreen.dashboard.pages import data, lineage, models, monitors, overview, runs, triggers
from evergreen.dashboard.pages.page import Asked, Make, NotFoundError, Page
from evergreen.dashboard.security import COOKIE, Guard
from evergreen.dashboard.world import Reader, UnavailableError, World
from evergreen.errors import EvergreenError
from evergreen.lineage.stages import RegistryError
from evergreen.monitoring.results import PAGE, result_folder
from evergreen.reporting.environment import TEMPLATES, environment
from evergreen.serving.lifetime import until_told
from evergreen.serving.states import look
from evergreen.settings import Settings

log = logging.getLogger(__name__)
HERE = Path(__file__).parent
PAGES: dict[str, Make] = {
    "/": overview.overview,
    "/runs": runs.runs,
    "/runs/{run}": runs.run,
    "/models": models.models,
    "/models/compare": models.compare,
    "/models/{version}": models.version,
    "/data": data.data,
    "/data/statistics": data.statistics,
    "/data/spans/{span}": data.span,
    "/monitors": monitors.monitors,
    "/monitors/{result}": monitors.result,
    "/triggers": triggers.triggers,
    "/triggers/{id}": triggers.explain,
    "/lineage": lineage.lineage,
    "/lineage/models/{version}": lineage.model,
    "/lineage/spans/{span}": lineage.span,
    "/lineage/artifacts/{artifact}": lineage.artifact,
}
"""What is shown at each path; everything else there is either a file, an action or a 404."""


def run(settings: Settings, place: Place, token: str, started: Callable[[int], None]) -> None:
    """Serves until SIGTERM or SIGINT.

    Args:
        settings: The project's settings.
        place: How commands find the project.
        token: What lets its bearer act; empty: nobody may.
        started: Called with the port once it is open.

    Raises:
        EvergreenError: If the port is taken.
    """
    asyncio.run(until_told(_serve(Dashboard(settings, place, token), started)))


async def _serve(dashboard: "Dashboard", started: Callable[[int], None]) -> None:
    runner = web.AppRunner(dashboard.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    where = dashboard.settings.dashboard
    site = web.TCPSite(runner, where.host, where.port)
    try:
        await site.start()
    except OSError as error:
        raise EvergreenError(
            f"dashboard: {where.host}:{where.port}: {error.strerror}.",
            hint="Another port: --set dashboard.port=8530",
        ) from error
    started(runner.addresses[0][1])
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


class Dashboard:
    """The pages of one project.

    Args:
        settings: The project's settings.
        place: How commands find the project.
        token: What lets its bearer act.
    """

    def __init__(self, settings: Settings, place: Place, token: str = "") -> None:
        self.settings = settings
        self._place = place
        self._guard = Guard(token)
        self._reader = Reader(settings)
        self._templates = _templates()
        self._acting = asyncio.Lock()

    def app(self) -> web.Application:
        """The application, with all paths."""
        middlewares: list[Middleware] = [
            security.known_names(self.settings.dashboard),
            self._errors,
        ]
        app = web.Application(middlewares=middlewares, client_max_size=2**16)
        app.on_response_prepare.append(security.set_headers)
        for path, make in PAGES.items():
            app.router.add_get(path, self._page(make))
        app.router.add_get("/runs/{run}/live", self._live)
        app.router.add_get("/runs/{run}/report", self._report)
        app.router.add_get("/monitors/{result}/page", self._monitoring_page)
        app.router.add_static("/static", HERE / "static")
        app.router.add_get("/style.css", self._style)
        if self._guard.token:
            app.router.add_get("/sign-in", self._sign_in_page)
            app.router.add_post("/sign-in", self._sign_in)
            app.router.add_get("/actions/{action}", self._page(actions.confirm))
            app.router.add_post("/actions/{action}", self._act)
        return app

    def _page(self, make: Make) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def show(request: web.Request) -> web.Response:
            asked = _asked(request)
            page = await self._reader.read(lambda world: make(world, asked))
            if page.live:
                seen = await asyncio.to_thread(look, self.settings)
                page = replace(page, shown={**page.shown, "seen": seen})
            return self._render(request, page)

        return show

    def _render(self, request: web.Request, page: Page, status: int = 200) -> web.Response:
        text = self._templates.get_template(f"{page.template}.html.j2").render(
            page.shown,
            page_title=page.title,
            path=request.path,
            word=self._guard.word(request),
            may_sign_in=bool(self._guard.token),
            model=self.settings.model.name,
            pipeline=self.settings.pipeline.name,
        )
        return web.Response(text=text, content_type="text/html", status=status)

    @web.middleware
    async def _errors(self, request: web.Request, handler: security.Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except UnavailableError as error:
            return self._error(request, 503, error)
        except EvergreenError as error:
            return self._error(request, 409 if request.method == "POST" else 404, error)
        except errors.StatusError as error:
            told = EvergreenError(
                f"the metadata store does not answer: {error}", hint="evergreen doctor"
            )
            return self._error(request, 503, told)
        except web.HTTPNotFound:
            missing = NotFoundError(f"there is no page {request.path[:200]}.")
            return self._error(request, 404, missing)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:
            log.exception("%s", request.path)
            told = EvergreenError("the page could not be made.", hint="The log says why.")
            return self._error(request, 500, told)

    def _error(self, request: web.Request, status: int, error: EvergreenError) -> web.Response:
        shown = {"error": str(error), "hint": error.hint, "status": status}
        return self._render(request, Page("error", "Not shown", shown), status)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        """Sends a run's state whenever it has changed, until it has ended."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        asked, sent = _asked(request), ""
        page = await self._reader.read(lambda world: runs.run(world, asked))
        await response.prepare(request)
        while True:
            text = self._templates.get_template("run_state.html.j2").render(page.shown)
            has_ended = page.shown["run_state"] != "running"
            if text != sent:
                sent = text
                told = json.dumps({"html": text, "ended": has_ended})
                await response.write(f"data: {told}\n\n".encode())
            if has_ended:
                return response
            await asyncio.sleep(self.settings.dashboard.poll_seconds)
            try:
                page = await self._reader.read(lambda world: runs.run(world, asked))
            except (EvergreenError, errors.StatusError):
                log.exception("%s", request.path)
                return response  # the browser asks again

    async def _report(self, request: web.Request) -> web.StreamResponse:
        def find(world: World) -> Path:
            return runs.report_of(world, world.lineage.record(request.match_info["run"]))

        return _file(await self._reader.read(find))

    async def _monitoring_page(self, request: web.Request) -> web.StreamResponse:
        asked = _asked(request)

        def find(world: World) -> Path:
            found = monitors.result(world, asked).shown["result"]
            return result_folder(world.settings, found) / PAGE

        return _file(await self._reader.read(find))

    async def _style(self, request: web.Request) -> web.Response:
        del request
        text = "\n".join(
            file.read_text()
            for file in (TEMPLATES / "style.css", HERE / "static" / "dashboard.css")
        )
        return web.Response(text=text, content_type="text/css")

    async def _sign_in_page(self, request: web.Request) -> web.Response:
        return self._render(request, Page("sign_in", "Sign in", {"is_wrong": False}))

    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        session = self._guard.begin(str(form.get("token", "")).strip())
        if session is None:
            page = Page("sign_in", "Sign in", {"is_wrong": True})
            return self._render(request, page, status=403)
        answer = web.HTTPSeeOther("/")
        answer.set_cookie(COOKIE, session, httponly=True, samesite="Strict", secure=request.secure)
        return answer

    async def _act(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if not self._guard.allows(request, form.get("word", "")):
            shown = {
                "error": "this form is of no session that may act.",
                "hint": "Sign in again: /sign-in",
                "status": 403,
            }
            return self._render(request, Page("error", "Refused", shown), status=403)
        asked = Asked({**form, **request.match_info})
        async with self._acting:  # who comes second sees what the first one did
            prepared, now = await self._reader.read(
                lambda world: (actions.prepare(world, asked), actions.seen(world))
            )
            if now != asked.text("seen"):
                raise RegistryError(
                    "somebody else has changed the registry since you looked.",
                    hint=f"Nothing was done. Look again: {prepared.back}",
                )
            code, said = await actions.carry_out(self._place, prepared, asked.text("reason"))
        log.info("%s: exit code %d", " ".join(prepared.words), code)
        if code:
            raise RegistryError(said.strip() or f"exit code {code}", hint=f"See: {prepared.back}")
        raise web.HTTPSeeOther(prepared.back)


def _asked(request: web.Request) -> Asked:
    return Asked({**request.query, **request.match_info})


def _file(path: Path) -> web.StreamResponse:
    if not path.is_file():
        raise NotFoundError("its page is not there: it has not been written, or was removed.")
    # A page of its own, which says itself what it may do.
    return web.FileResponse(path, headers={"Content-Security-Policy": "frame-ancestors 'none'"})


def _templates() -> Environment:
    made = environment()
    made.loader = FileSystemLoader([HERE / "templates", TEMPLATES])
    return made
