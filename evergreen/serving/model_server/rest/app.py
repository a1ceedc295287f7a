"""The REST server: its routes, limits and headers."""

from aiohttp import web

from evergreen.serving.model_server import config
from evergreen.serving.model_server.core.errors import not_found
from evergreen.serving.model_server.core.manager import Manager
from evergreen.serving.model_server.options import Options
from evergreen.serving.model_server.rest.errors import answer_errors
from evergreen.serving.model_server.rest.handlers import Rest

MAX_BODY = 256 * 2**20
"""The most bytes of a request, unpacked. It bounds memory: a parsed body takes up to ten times as
much. TensorFlow Serving has no such limit."""
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
ANY = "/{path:.*}"


def make_app(manager: Manager, options: Options, max_body: int = MAX_BODY) -> web.Application:
    """Creates the server without starting it.

    Args:
        manager: The models.
        options: The flags: REST timeout, CORS, and monitoring config.
        max_body: The most bytes of a request, unpacked; larger ones are refused (413).

    Raises:
        ServingError: If the monitoring config is invalid.
    """
    app = web.Application(client_max_size=max_body, middlewares=[answer_errors])
    if path := config.metrics_path(options):
        app.router.add_get(path, manager.metrics.handle)
    if options.enable_cors_support:
        app.on_response_prepare.append(_allow_all_origins)
        app.router.add_options(ANY, _answer_preflight)
    rest = Rest(manager, options.rest_api_timeout_in_ms)
    app.router.add_route("*", "/{version:[vV]1}" + ANY, rest.answer)
    app.router.add_route("*", ANY, _not_here)
    return app


async def _allow_all_origins(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(CORS)


async def _answer_preflight(request: web.Request) -> web.Response:
    return web.Response()


async def _not_here(request: web.Request) -> web.Response:
    raise not_found(f"Not Found: {request.method} {request.rel_url.raw_path}")
