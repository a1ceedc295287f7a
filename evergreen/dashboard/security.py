"""Who may ask, who may act, and what a page may do in a browser.

A page on another site can make a browser send requests here, and a name that it owns can be made
to lead here (DNS rebinding). So only known names are answered; what changes something needs a
session, begun with the token, whose cookie other sites' requests do not carry, and with every form
a word that only pages of this session know.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from evergreen.errors import EvergreenError
from evergreen.settings.dashboard import DashboardSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
COOKIE = "evergreen"
LEAST = 16
"""Characters of a token."""
MOST_SESSIONS = 100
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; "
    "script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass
class Guard:
    """Sessions of those who know the token.

    Attributes:
        token: What begins a session; empty: nobody may act.
    """

    token: str = ""
    _sessions: dict[str, str] = field(default_factory=dict)

    def begin(self, token: str) -> str | None:
        """Returns the id of a new session; None if the token is wrong."""
        if not self.token or not hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        session = secrets.token_urlsafe(32)
        self._sessions[session] = secrets.token_urlsafe(32)
        while len(self._sessions) > MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return session

    def word(self, request: web.Request) -> str:
        """The word that forms of this session carry; empty without a session."""
        return self._sessions.get(request.cookies.get(COOKIE, ""), "")

    def allows(self, request: web.Request, word: str) -> bool:
        """Whether a form was sent from a page of a session."""
        known = self.word(request)
        origin = request.headers.get("Origin")
        is_own = origin is None or urlsplit(origin).netloc == request.host
        return bool(known) and is_own and hmac.compare_digest(known.encode(), word.encode())


def read_token(file: Path) -> str:
    """Reads a token.

    Raises:
        EvergreenError: If there is none, or others may read it.
    """
    if not file.is_file():
        raise EvergreenError(
            f"dashboard.token_file: there is no {file}.",
            hint=f"(umask 077; openssl rand -hex 32 > {file})",
        )
    if file.stat().st_mode & 0o077:
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
    """A middleware that answers only those who ask by a known name, and sets the headers."""
    names = {*settings.names, settings.host}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = urlsplit(f"//{request.host}").hostname or ""
        if name not in names and f"[{name}]" not in names:
            return web.Response(
                status=421, text="This is no name of the dashboard: dashboard.names\n"
            )
        return await handler(request)

    return check


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Says what a page may do."""
    del request
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
