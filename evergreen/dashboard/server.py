"""The web server: paths, pages, errors, and live updates of runs."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware
from jinja2 import Environment, FileSystemLoader
from ml_metadata import errors

from evergreen.dashboard import actions, security
from evergreen.dashboard.actions import Place
from evergreen.dashboard.pages import monitors, runs
from evergreen.dashboard.pages.page import Asked, NotFoundError, Page, Route, WrongError, parse
from evergreen.dashboard.routes import CONFIRM, FORM, PAGES, RESULT, RUN, asked_of, section
from evergreen.dashboard.security import Guard
from evergreen.dashboard.sessions import Sessions
from evergreen.dashboard.world import Reader, UnavailableError, World
from evergreen.errors import EvergreenError, SettingsError
from evergreen.lineage.stages import RegistryError
from evergreen.monitoring.results import PAGE, result_folder
from evergreen.reporting.environment import TEMPLATES, environment
from evergreen.serving.connections import Limits, listen
from evergreen.serving.lifetime import until_told
from evergreen.serving.states import look
from evergreen.settings import Settings
from evergreen.texts import visible

log = logging.getLogger(__name__)
HERE = Path(__file__).parent
ROOT = "/use-cases"
"""The use case NAME is below /use-cases/NAME; the first one is at the root of the server."""
LIMITS = Limits(connections=200)
MOST_VIEWERS = 50
"""The most live pages at a time, since each reads the store repeatedly."""
SIGN_OF_LIFE_SECONDS = 15.0
"""The interval of keep-alive messages, which detect closed pages."""


@dataclass(frozen=True)
class UseCase:
    """A use case to show.

    Attributes:
        settings: Its settings.
        place: The options that tell commands where it is.
    """

    settings: Settings
    place: Place

    @cached_property
    def reader(self) -> Reader:
        """Reads its metadata; the store is opened for the first page."""
        return Reader(self.settings)


def run(use_cases: Sequence[UseCase], token: str, started: Callable[[int], None]) -> None:
    """Serves until SIGTERM or SIGINT.

    Args:
        use_cases: The use cases; the first one is shown at the root, by its address.
        token: The token for actions; empty to allow none.
        started: Called with the port once it is open.

    Raises:
        EvergreenError: If the port is taken.
    """
    asyncio.run(until_told(_serve(Dashboard(use_cases, token), started)))


async def _serve(dashboard: "Dashboard", started: Callable[[int], None]) -> None:
    where = dashboard.settings
    try:
        served = await listen(dashboard.app(), where.host, where.port, LIMITS)
    except OSError as error:
        raise EvergreenError(
            f"dashboard: {where.host}:{where.port}: {error.strerror}.",
            hint="Another port: --set dashboard.port=8530",
        ) from error
    started(served.port)
    try:
        await asyncio.Event().wait()
    finally:
        await served.cleanup()


class Dashboard:
    """The pages of one project.

    Args:
        use_cases: The use cases; the first one is shown at the root, and its settings of the
            dashboard are used.
        token: The token for actions.
    """

    def __init__(self, use_cases: Sequence[UseCase], token: str = "") -> None:
        self.settings = use_cases[0].settings.dashboard
        self._use_cases = {
            "": use_cases[0],
            **{f"{ROOT}/{shown.settings.use_case}": shown for shown in use_cases[1:]},
        }
        self._guard = Guard(Sessions(token, self.settings.session_hours))
        self._templates = _templates()
        self._acting = asyncio.Lock()
        self._viewers = 0

    def app(self) -> web.Application:
        """Returns the application, with all paths."""
        middlewares: list[Middleware] = [
            self._errors,
            security.known_names(self.settings),
            security.own_site,
        ]
        app = web.Application(middlewares=middlewares, client_max_size=2**16)
        app.on_response_prepare.append(security.set_headers)
        for root in self._use_cases:
            self._add_use_case(app.router, root)
        for file in (HERE / "static").glob("*.js"):
            app.router.add_get(f"/static/{file.name}", _static(file))
        app.router.add_get("/style.css", self._style)
        if self._guard.may_sign_in:
            app.router.add_get("/sign-in", self._sign_in_page)
            app.router.add_post("/sign-in", self._sign_in)
            app.router.add_post("/sign-out", self._sign_out)
        return app

    def _add_use_case(self, router: web.UrlDispatcher, root: str) -> None:
        """Adds the paths of a use case."""
        if root:
            router.add_get(root, self._page(PAGES["/"]))
        for path, route in PAGES.items():
            router.add_get(root + path, self._page(route))
        router.add_get(f"{root}/runs/{{run}}/live", self._live)
        router.add_get(f"{root}/runs/{{run}}/report", self._report)
        router.add_get(f"{root}/monitors/{{result}}/page", self._monitoring_page)
        if self._guard.may_sign_in:
            router.add_get(f"{root}/actions/{{action}}", self._page(CONFIRM))
            router.add_post(f"{root}/actions/{{action}}", self._act)

    def _root(self, request: web.Request) -> str:
        """Returns the root of the use case that a path is about."""
        root = "/".join(request.path.split("/")[:3])
        return root if root in self._use_cases else ""

    def _of(self, request: web.Request) -> UseCase:
        return self._use_cases[self._root(request)]

    def _page(self, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def show(request: web.Request) -> web.Response:
            asked = asked_of(request, route.takes)
            shown = self._of(request)
            page = await shown.reader.read(lambda world: route.make(world, asked))
            if page.live:
                seen = await asyncio.to_thread(look, shown.settings)
                page = replace(page, shown={**page.shown, "seen": seen})
            return self._render(request, page)

        return show

    def _render(self, request: web.Request, page: Page, status: int = 200) -> web.Response:
        root, settings = self._root(request), self._of(request).settings
        named = {shown.settings.use_case: at for at, shown in self._use_cases.items()}
        text = self._templates.get_template(f"{page.template}.html.j2").render(
            page.shown,
            page_title=page.title,
            path=request.path,
            root=root,
            section=section(request.path.removeprefix(root)),
            use_case=settings.use_case,
            use_cases=named if len(named) > 1 else {},
            word=self._guard.word(request),
            may_sign_in=self._guard.may_sign_in,
            model=settings.model.name,
            pipeline=settings.pipeline.name,
        )
        # Paths may hold bytes that are not text.
        body = text.encode(errors="replace")
        return web.Response(body=body, content_type="text/html", charset="utf-8", status=status)

    @web.middleware
    async def _errors(self, request: web.Request, handler: security.Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            missing = NotFoundError(f"there is no page {request.path[:200]}.")
            return self._error(request, 404, missing)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception as error:
            return self._error(request, *_told(request, error))

    def _error(
        self, request: web.Request, status: int, error: EvergreenError, title: str = "Not shown"
    ) -> web.Response:
        shown = {"error": str(error), "hint": error.hint, "status": status}
        return self._render(request, Page("error", title, shown), status)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        """Sends a run's state at each change, until it has ended."""
        asked = asked_of(request, RUN)
        if self._viewers >= MOST_VIEWERS:
            raise UnavailableError("too many pages are shown live.", hint="Reload this one later.")
        self._viewers += 1
        try:
            return await self._follow(request, asked)
        finally:
            self._viewers -= 1

    async def _follow(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        reader, root = self._of(request).reader, self._root(request)
        page = await reader.read(lambda world: runs.run(world, asked))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        sent, clock = "", asyncio.get_running_loop().time
        quiet_since = clock()
        while request.transport is not None and not request.transport.is_closing():
            text = self._templates.get_template("run_state.html.j2").render(page.shown, root=root)
            has_ended = page.shown["run_state"] != "running"
            if text != sent or clock() - quiet_since >= SIGN_OF_LIFE_SECONDS:
                told = json.dumps({"html": text, "ended": has_ended})
                await response.write(f"data: {told}\n\n".encode())
                sent, quiet_since = text, clock()
            if has_ended:
                break
            await asyncio.sleep(self.settings.poll_seconds)
            try:
                page = await reader.read(lambda world: runs.run(world, asked))
            except (EvergreenError, errors.StatusError):
                log.exception("%s", visible(request.path))
                break  # the browser reconnects
        return response

    async def _report(self, request: web.Request) -> web.StreamResponse:
        asked = asked_of(request, RUN)

        def find(world: World) -> Path:
            return runs.report_of(world, world.record(asked.text("run")))

        return _file(await self._of(request).reader.read(find))

    async def _monitoring_page(self, request: web.Request) -> web.StreamResponse:
        asked = asked_of(request, RESULT)

        def find(world: World) -> Path:
            found = monitors.result(world, asked).shown["result"]
            return result_folder(world.settings, found) / PAGE

        return _file(await self._of(request).reader.read(find))

    async def _style(self, request: web.Request) -> web.Response:
        del request
        text = "\n".join(
            file.read_text()
            for file in (TEMPLATES / "style.css", HERE / "static" / "dashboard.css")
        )
        return web.Response(text=text, content_type="text/css")

    async def _sign_in_page(self, request: web.Request) -> web.Response:
        return self._render(request, Page("sign_in", "Sign in", {"said": ""}))

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        asked = parse(FORM, await security.form(request))
        wait = self._guard.wait(request)
        if not wait:
            answer = self._guard.begin(request, asked.text("token"))
            if answer is not None:
                return answer
            wait = self._guard.wait(request)
            said, status = "That is not the token.", 403
        else:
            said, status = "Too many wrong tokens.", 429
        said += f" Try again in {wait} s." if wait else ""
        shown = self._render(request, Page("sign_in", "Sign in", {"said": said}), status)
        if wait:
            shown.headers["Retry-After"] = str(wait)
        return shown

    async def _sign_out(self, request: web.Request) -> web.StreamResponse:
        asked = parse(FORM, await security.form(request))
        if not self._guard.allows(request, asked.text("word")):
            return self._refuse(request)
        return self._guard.end(request)

    def _refuse(self, request: web.Request) -> web.Response:
        refused = EvergreenError(
            "this form is of no session that may act.", hint="Sign in again: /sign-in"
        )
        return self._error(request, 403, refused, "Refused")

    async def _act(self, request: web.Request) -> web.StreamResponse:
        sent = [*await security.form(request), *request.match_info.items()]
        asked = parse(FORM, sent)
        if not self._guard.allows(request, asked.text("word")):
            return self._refuse(request)
        shown, root = self._of(request), self._root(request)
        async with self._acting:  # the second sees what the first did
            prepared, now = await shown.reader.read(
                lambda world: (actions.prepare(world, asked), actions.seen(world))
            )
            back = root + prepared.back
            if now != asked.text("seen"):
                raise RegistryError(
                    "somebody else has changed the registry since you looked.",
                    hint=f"Nothing was done. Look again: {back}",
                )
            code, said = await actions.carry_out(shown.place, prepared, asked.text("reason"))
        log.info("%s: exit code %d", " ".join(prepared.words), code)
        if code:
            raise RegistryError(said.strip() or f"exit code {code}", hint=f"See: {back}")
        raise web.HTTPSeeOther(back)


def _told(request: web.Request, error: Exception) -> tuple[int, EvergreenError]:
    """Returns the status and the message for an error."""
    if isinstance(error, errors.StatusError):
        told = f"the metadata store does not answer: {error}"
        return 503, EvergreenError(told, hint="evergreen doctor")
    if not isinstance(error, EvergreenError):
        log.error("%s", visible(request.path), exc_info=error)
        return 500, EvergreenError("the page could not be made.", hint="The log says why.")
    if isinstance(error, UnavailableError):
        return 503, error
    if isinstance(error, (WrongError, SettingsError)):
        return 400, error
    return 409 if request.method == "POST" else 404, error


def _file(path: Path) -> web.StreamResponse:
    if not path.is_file():
        raise NotFoundError("its page is not there: it has not been written, or was removed.")
    # A foreign page: whoever can write files there must not act with a session of this server.
    return web.FileResponse(path, headers={"Content-Security-Policy": security.OF_FILES})


def _static(file: Path) -> security.Handler:
    async def send(request: web.Request) -> web.StreamResponse:
        del request
        return web.FileResponse(file)

    return send


def _templates() -> Environment:
    made = environment()
    made.loader = FileSystemLoader([HERE / "templates", TEMPLATES])
    return made
