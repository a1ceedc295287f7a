"""TensorFlow Serving's REST API, and `/healthz` and `/metrics` for operators."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import grpc
from aiohttp import web

from evergreen.errors import EvergreenError
from evergreen.serving.connections import Limits, Listening, listen
from evergreen.serving.gateway.access import REQUEST_ID, request_id
from evergreen.serving.gateway.backend import Answer
from evergreen.serving.gateway.dispatch import Forwarding, Question
from evergreen.serving.gateway.grpc_front import NO_KEY, VERSION
from evergreen.serving.gateway.memory import OverBudgetError, Share
from evergreen.serving.gateway.metrics import Families
from evergreen.serving.gateway.rewrites import open_path, path_model
from evergreen.serving.gateway.secrets import Certificate
from evergreen.serving.model_server.rest.errors import STATUS, answer_errors, response
from evergreen.settings.gateway import GatewaySettings

Code = grpc.StatusCode
UNAUTHORIZED = 401
PREDICTIONS = {"predict", "classify", "regress"}
DRAIN_SECONDS = 25.0
"""The longest wait for requests in flight at the end; Kubernetes kills after 30 seconds."""
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Expose-Headers": f"{REQUEST_ID}, {VERSION}",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(eq=False)
class RestFront:
    """Answers REST requests.

    Args:
        shared: Forwards the requests.
        max_body: The most bytes of a request.
    """

    _shared: Forwarding
    _max_body: int

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuses requests without a key, except for `/healthz`."""
        sent = {name.lower(): value for name, value in request.headers.items()}
        if request.path == "/healthz" or self._shared.doorman.admit(sent):
            return await handler(request)
        return response(UNAUTHORIZED, NO_KEY)

    async def answer(self, request: web.Request) -> web.Response:
        """Forwards a request, adding a version if it names none."""
        with self._shared.doorman.budget.share() as share:
            try:
                body = await self._read(request, share)
            except OverBudgetError as error:
                self._shared.doorman.refused("memory")
                return response(STATUS[Code.UNAVAILABLE], str(error))
            return await self._forward(request, body)

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        path = request.rel_url.raw_path
        dispatcher, is_own = self._shared.of(path_model(path))
        parts = open_path(path) if is_own else None
        sticky = dispatcher.sticky
        key = request.headers.get(sticky, "") if sticky else ""
        question = self._question(request, body, key, parts is not None)
        kind = request.headers.get("Content-Type")
        headers = {REQUEST_ID: question.request_id} | ({"Content-Type": kind} if kind else {})

        def send(version: int | None) -> Awaitable[Answer]:
            target = question.path if version is None or parts is None else _at(parts, version)
            return self._shared.backend.send(request.method, target, question.body, headers)

        route, answer = await dispatcher.answer(question, send)
        result = _response(answer)
        result.headers[REQUEST_ID] = question.request_id
        if route.version is not None:
            result.headers[VERSION] = str(route.version)
        return result

    async def _read(self, request: web.Request, share: Share) -> bytes:
        """Reads and unpacks a body. Raises OverBudgetError, or HTTPRequestEntityTooLarge."""
        size, chunks = request.content_length or 0, []
        if size <= self._max_body:
            size = 0
            async for chunk in request.content.iter_any():
                share.add(len(chunk))
                chunks.append(chunk)
                size += len(chunk)
                if size > self._max_body:
                    break
        if size > self._max_body:
            raise web.HTTPRequestEntityTooLarge(self._max_body, size)
        return b"".join(chunks)

    @staticmethod
    def _question(request: web.Request, body: bytes, key: str, is_open: bool) -> Question:
        path = request.rel_url.raw_path
        verb = path.rpartition(":")[2].lower() if request.method == "POST" else ""
        is_prediction = verb in PREDICTIONS
        return Question(
            request_id=request_id(request.headers.get(REQUEST_ID)),
            api=f"REST {verb}" if is_prediction else "REST",
            body=body,
            is_open=is_open,
            is_prediction=is_prediction,
            key=key,
            path=path,
        )


def make_app(
    front: RestFront,
    metrics: Families,
    state: Callable[[], tuple[bool, bytes]],
    cors: bool,
) -> web.Application:
    """Creates the REST server without starting it.

    Args:
        front: Answers requests on models, and checks access.
        metrics: The metrics for `/metrics`.
        state: The state for `/healthz`: whether requests can be answered, and details as JSON.
        cors: Whether pages of other sites may use it.
    """

    async def healthz(request: web.Request) -> web.Response:
        is_well, body = state()
        status = 200 if is_well else 503
        return web.Response(status=status, body=body, content_type="application/json")

    async def scrape(request: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), content_type="text/plain", charset="utf-8")

    app = web.Application(middlewares=[answer_errors, front.admit])
    if cors:
        # First of all: a preflight cannot send a key, and need not get any further.
        app.middlewares.insert(0, _answer_preflight)
        app.on_response_prepare.append(_allow_all_origins)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", scrape)
    app.router.add_route("*", "/{version:[vV]1}/{path:.*}", front.answer)
    return app


@web.middleware
async def _answer_preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
    return web.Response() if request.method == "OPTIONS" else await handler(request)


async def _allow_all_origins(request: web.Request, answer: web.StreamResponse) -> None:
    """Allows all origins, as TensorFlow Serving does with its flag, and the request's headers."""
    asked = request.headers.get("Access-Control-Request-Headers")
    answer.headers.update(CORS | ({"Access-Control-Allow-Headers": asked} if asked else {}))


async def start(
    app: web.Application, settings: GatewaySettings, certificate: Certificate | None
) -> Listening:
    """Starts the REST server.

    Raises:
        EvergreenError: If the port is taken.
    """
    # aiohttp 3.14 logs a traceback for each malformed request, with which strangers could fill the
    # log.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    address = settings.host, settings.rest_api_port
    tls = certificate.context if certificate else None
    limits = Limits(connections=settings.connections)
    try:
        return await listen(app, *address, limits, tls=tls, drain_seconds=DRAIN_SECONDS)
    except OSError as error:
        raise EvergreenError(
            f"gateway: REST cannot listen on {address[0]}:{address[1]}: {error.strerror}",
            hint="Choose another gateway.rest_api_port.",
        ) from error


def _at(parts: Sequence[str], version: int) -> str:
    """Returns the path of a version from the parts before and after it."""
    return f"/versions/{version}".join(parts)


def _response(answer: Answer) -> web.Response:
    if not answer.status:
        return response(STATUS[answer.code], answer.message)
    kind = {"Content-Type": answer.content_type} if answer.content_type else {}
    return web.Response(status=answer.status, body=answer.body, headers=kind)
