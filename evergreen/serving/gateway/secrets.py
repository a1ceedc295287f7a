"""Secret files: API keys and certificates, read again when they change."""

import hmac
import logging
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc

from evergreen.errors import EvergreenError
from evergreen.files import identity, is_open_to_others

log = logging.getLogger(__name__)
API_KEY = "x-api-key"
BEARER = re.compile(r"Bearer\s+(\S+)\s*", re.IGNORECASE)


class Keys:
    """The keys that clients may send; several may be valid, so that keys can be replaced.

    Args:
        file: Has one key per line; None to admit everybody.

    Raises:
        EvergreenError: If the file cannot be read, or has no key.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._seen = identity(file) if file else None
        self._keys = _read(file) if file else None
        _warn_if_readable(file)

    def refresh(self) -> None:
        """Reads the file again if it has changed; keeps the keys if it cannot be read."""
        if self._file is None or (seen := identity(self._file)) == self._seen:
            return
        self._seen = seen
        try:
            self._keys = _read(self._file)
            log.info("gateway: %d API keys were read again", len(self._keys))
        except EvergreenError as error:
            log.error("gateway: %s The keys from before go on.", error)

    def admit(self, headers: Mapping[str, str]) -> bool:
        """Returns whether headers (with lower-case names) hold a key, in constant time."""
        if self._keys is None:
            return True
        match = BEARER.fullmatch(headers.get("authorization", ""))
        text = match[1] if match else headers.get(API_KEY, "")
        sent = text.encode(errors="surrogateescape")
        matches = [hmac.compare_digest(sent, key) for key in self._keys]
        return any(matches)


class Certificate:
    """The certificate of both APIs.

    Args:
        certificate: PEM file, with the chain.
        key: PEM file.

    Attributes:
        context: For REST; new connections use the newest certificate.

    Raises:
        EvergreenError: If the files cannot be read, or do not match.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate, self._key = certificate, key
        self._seen = self._look()
        self._pair = self._load()
        self.context = self._context()
        _warn_if_readable(key)

    def refresh(self) -> None:
        """Reads the files again if they have changed; keeps the old pair if they do not match."""
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._pair = self._load()
            self.context.load_cert_chain(self._certificate, self._key)
            log.info("gateway.tls: the certificate was read again")
        except (EvergreenError, OSError) as error:
            log.error("gateway: %s The certificate from before goes on.", error)

    def credentials(self) -> Any:
        """Returns gRPC's credentials, which fetch the newest pair for each connection."""
        given = self._pair

        def fetch() -> Any:
            nonlocal given
            if given is self._pair:
                return None
            given = self._pair
            return grpc.ssl_server_certificate_configuration([given])

        return grpc.dynamic_ssl_server_credentials(
            grpc.ssl_server_certificate_configuration([given]), fetch
        )

    def _load(self) -> tuple[bytes, bytes]:
        """Returns key and certificate, after checking that they match."""
        self._context()
        return self._key.read_bytes(), self._certificate.read_bytes()

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self._certificate, self._key)
        except OSError as error:
            raise EvergreenError(
                f"gateway.tls: {self._certificate} and {self._key}: {error}",
                hint="Name a certificate and its key, both as PEM files.",
            ) from error
        return context

    def _look(self) -> tuple[Any, ...]:
        return identity(self._certificate), identity(self._key)


def _read(file: Path) -> list[bytes]:
    try:
        keys = file.read_bytes().split()
    except OSError as error:
        raise EvergreenError(
            f"{file}: the API keys cannot be read: {error.strerror}.",
            hint="Name a file with a key a line in gateway.api_keys.",
        ) from error
    if not keys:
        raise EvergreenError(f"{file}: there is no API key in it.", hint="Write one a line.")
    return keys


def _warn_if_readable(file: Path | None) -> None:
    if file and is_open_to_others(file):
        log.warning("%s: others than its owner can read this secret; chmod 600 %s", file, file)
