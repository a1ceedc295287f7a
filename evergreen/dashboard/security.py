"""Access control: the right to read, the right to act, and the limits of a page in a browser.

A page on another site can make a browser send requests here, and a name that it owns can be made to
lead here (DNS rebinding). So only known host names are answered, and requests from other sites are
refused unless a person follows a link. Every change needs a session, begun with the token, whose
cookie is not sent with other sites' requests, and a word in every form that only this session's
pages know.
"""

import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from evergreen.dashboard.pages.page import WrongError
from evergreen.dashboard.sessions import HOUR, Sessions
from evergreen.errors import EvergreenError
from evergreen.files import is_open_to_others
from evergreen.settings.dashboard import DashboardSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
COOKIE = "evergreen"
LEAST = 16
"""The least length of a token, in characters."""
MOST_FIELDS = 20
FORM = "application/x-www-form-urlencoded"
OWN = {None, "none", "same-origin"}
"""Origins of requests to accept, as browsers name them: a person, or a page of this server. Another
port of the same machine counts as `same-site` and is not accepted."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; "
    "script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

OF_FILES = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""The limits for pages that were written to files."""


class Guard:
    """Ties sessions to requests.

    Args:
        sessions: The sessions.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @property
    def may_sign_in(self) -> bool:
        """Whether there is a token."""
        return bool(self._sessions.token)

    def word(self, request: web.Request) -> str:
        """Returns the word in forms of this session; empty without a session."""
        return self._sessions.word(request.cookies.get(COOKIE, ""))

    def allows(self, request: web.Request, word: str) -> bool:
        """Returns whether a form comes from a page of a session."""
        known = self.word(request)
        return bool(known) and hmac.compare_digest(known.encode(), word.encode())

    def wait(self, request: web.Request) -> int:
        """Returns whole seconds until the next attempt to sign in; 0 if it may be now."""
        return -int(-self._sessions.wait(request.remote or "") // 1)

    def begin(self, request: web.Request, token: str) -> web.HTTPSeeOther | None:
        """Begins a session; None if the token is wrong."""
        address = request.remote or ""
        session = self._sessions.begin(token)
        if session is None:
            self._sessions.failed(address)
            return None
        self._sessions.succeeded(address)
        answer = web.HTTPSeeOther("/")
        answer.set_cookie(
            COOKIE,
            session,
            max_age=int(self._sessions.hours * HOUR),
            httponly=True,
            samesite="Strict",
            secure=_by_https(request),
        )
        return answer

    def end(self, request: web.Request) -> web.HTTPSeeOther:
        """Ends the session of a request."""
        self._sessions.end(request.cookies.get(COOKIE, ""))
        answer = web.HTTPSeeOther("/")
        answer.del_cookie(COOKIE, httponly=True, samesite="Strict", secure=_by_https(request))
        return answer


def _by_https(request: web.Request) -> bool:
    """Returns whether the browser speaks https, to this server or to a proxy before it.

    A lie about it only makes the liar's own browser send its cookie by https alone.
    """
    origin = request.headers.get("Origin", "")
    proxied = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip()
    return request.secure or origin.startswith("https://") or proxied == "https"


async def form(request: web.Request) -> list[tuple[str, str]]:
    """Returns the fields of a form.

    Raises:
        WrongError: If it is not a form.
    """
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != FORM:
        raise WrongError("the form is of a kind that is not taken.", hint=f"It takes {FORM}.")
    try:
        body = (await request.read()).decode()
        return parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except (ValueError, web.RequestPayloadError, HttpProcessingError) as error:
        raise WrongError("the form cannot be read: it is cut, no UTF-8, or too long.") from error


def read_token(file: Path) -> str:
    """Reads a token.

    Raises:
        EvergreenError: If it does not exist, or others may read it.
    """
    if not file.is_file():
        raise EvergreenError(
            f"dashboard.token_file: there is no {file}.",
            hint=f"(umask 077; openssl rand -hex 32 > {file})",
        )
    if is_open_to_others(file):
        raise EvergreenError(
            f"dashboard.token_file: others than its owner may use {file}.",
            hint=f"chmod 600 {file}",
        )
    token = file.read_text().strip()
    if len(token) < LEAST:
        raise EvergreenError(
            f"dashboard.token_file: {file} has fewer than {LEAST} characters.",
            hint=f"(umask 077; openssl rand -hex 32 > {file})",
        )
    return token


def known_names(settings: DashboardSettings) -> Middleware:
    """Returns middleware that answers only requests for a known host name."""
    names = {name.strip("[]").lower() for name in (*settings.names, settings.host)}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _hostname(f"//{request.headers.get('Host', '')}") not in names:
            return web.Response(
                status=421, text="This is no name of the dashboard: dashboard.names\n"
            )
        return await handler(request)

    return check


@web.middleware
async def own_site(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware that refuses requests from other sites, unless a person follows a link.

    Browsers declare the origin of a request (Fetch Metadata, W3C 2021); other clients do not.
    """
    sent = request.headers
    follows = (
        request.method in ("GET", "HEAD")
        and sent.get("Sec-Fetch-Mode") == "navigate"
        and sent.get("Sec-Fetch-Dest", "document") == "document"
        and "Origin" not in sent
    )
    is_own = sent.get("Sec-Fetch-Site") in OWN and _is_own_origin(request)
    if not is_own and not follows:
        return web.Response(status=403, text="Another site asked for this page.\n")
    return await handler(request)


def _is_own_origin(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("Host")


def _hostname(address: str) -> str:
    """Returns the host name in an address, without port; empty if the address is invalid."""
    try:
        parts = urlsplit(address)
        return (parts.hostname or "") if parts.port != 0 else ""
    except ValueError:
        return ""


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Sets the headers that limit a page."""
    del request
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
