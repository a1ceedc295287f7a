"""TensorFlow Serving's REST API, and what operators ask: `/healthz`, `/metrics`."""

import ssl
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from evergreen.errors import EvergreenError
from evergreen.serving.gateway.access import REQUEST_ID, Keys, request_id
from evergreen.serving.gateway.backend import Answer, Backend
from evergreen.serving.gateway.dispatch import Dispatcher, Question
from evergreen.serving.gateway.grpc_front import MIB, NO_KEY, VERSION
from evergreen.serving.gateway.metrics import Metrics
from evergreen.serving.gateway.rewriting import open_path
from evergreen.serving.model_server.rest.errors import STATUS, answer_errors, response
from evergreen.settings.gateway import GatewaySettings

UNAUTHORIZED = 401
PREDICTIONS = {"predict", "classify", "regress"}
DRAIN_SECONDS = 25.0
"""How long requests in flight are waited for at the end; Kubernetes kills after 30 seconds."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RestFront:
    """Answers REST requests.

    Args:
        model: The model whose versions are chosen here; requests for others pass.
        backend: Gets the requests.
        dispatcher: Says where.
        sticky: The name of the header by which an A/B test tells clients apart.
    """

    def __init__(self, model: str, backend: Backend, dispatcher: Dispatcher, sticky: str) -> None:
        self._model = model
        self._backend = backend
        self._dispatcher = dispatcher
        self._sticky = sticky

    async def answer(self, request: web.Request) -> web.Response:
        """Forwards a request, with a version if it names none."""
        parts = open_path(request.rel_url.raw_path, self._model)
        question = await self._question(request, parts is not None)
        kind = request.headers.get("Content-Type")
        headers = {REQUEST_ID: question.request_id} | ({"Content-Type": kind} if kind else {})

        def send(version: int | None) -> Awaitable[Answer]:
            target = question.path if version is None or parts is None else _at(parts, version)
            return self._backend.send(request.method, target, question.body, headers)

        route, answer = await self._dispatcher.answer(question, send)
        result = _response(answer)
        result.headers[REQUEST_ID] = question.request_id
        if route.version is not None:
            result.headers[VERSION] = str(route.version)
        return result

    async def _question(self, request: web.Request, is_open: bool) -> Question:
        path = request.rel_url.raw_path
        verb = path.rpartition(":")[2].lower() if request.method == "POST" else ""
        is_prediction = verb in PREDICTIONS
        return Question(
            request_id=request_id(request.headers.get(REQUEST_ID)),
            api=f"REST {verb}" if is_prediction else "REST",
            body=await request.read(),
            is_open=is_open,
            is_prediction=is_prediction,
            key=request.headers.get(self._sticky, "") if self._sticky else "",
            path=path,
        )


def make_app(
    front: RestFront,
    keys: Keys,
    metrics: Metrics,
    state: Callable[[], tuple[bool, bytes]],
    settings: GatewaySettings,
) -> web.Application:
    """Makes the REST server, not started.

    Args:
        front: Answers on models.
        keys: Say who may ask; for `/healthz` nobody needs one.
        metrics: For `/metrics`.
        state: For `/healthz`: whether requests can be answered, and more as JSON.
        settings: Of the gateway.
    """

    async def healthz(request: web.Request) -> web.Response:
        is_well, body = state()
        status = 200 if is_well else 503
        return web.Response(status=status, body=body, content_type="application/json")

    async def scrape(request: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), content_type="text/plain", charset="utf-8")

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        sent = {name.lower(): value for name, value in request.headers.items()}
        if request.path == "/healthz" or keys.admit(sent):
            return await handler(request)
        metrics.refused.labels("key").inc()
        return response(UNAUTHORIZED, NO_KEY)

    app = web.Application(
        client_max_size=settings.max_body_mb * MIB, middlewares=[answer_errors, admit]
    )
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", scrape)
    app.router.add_route("*", "/{version:[vV]1}/{path:.*}", front.answer)
    return app


async def start(app: web.Application, settings: GatewaySettings) -> tuple[web.AppRunner, int]:
    """Starts the REST server; returns also its port.

    Raises:
        EvergreenError: If the port is taken, or the certificate cannot be read.
    """
    context = _tls(settings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_SECONDS)
    await runner.setup()
    address = settings.host, settings.rest_api_port
    try:
        await web.TCPSite(runner, *address, ssl_context=context).start()
    except OSError as error:
        await runner.cleanup()
        raise EvergreenError(
            f"gateway: REST cannot listen on {address[0]}:{address[1]}: {error.strerror}",
            hint="Choose another gateway.rest_api_port.",
        ) from error
    return runner, runner.addresses[0][1]


def _tls(settings: GatewaySettings) -> ssl.SSLContext | None:
    if settings.tls.files is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(*settings.tls.files)
    except OSError as error:
        raise EvergreenError(
            f"gateway.tls: {' and '.join(map(str, settings.tls.files))}: {error}",
            hint="Name a certificate and its key, both as PEM files.",
        ) from error
    return context


def _at(parts: Sequence[str], version: int) -> str:
    """The path of a version: its parts are what stands before and after it."""
    return f"/versions/{version}".join(parts)


def _response(answer: Answer) -> web.Response:
    if not answer.status:
        return response(STATUS[answer.code], answer.message)
    kind = {"Content-Type": answer.content_type} if answer.content_type else {}
    return web.Response(status=answer.status, body=answer.body, headers=kind)
