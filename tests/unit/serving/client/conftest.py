from collections.abc import Iterator

import pytest

from evergreen.serving.client import Client
from tests.unit.serving.backend import MODEL, Backend, backend

__all__ = ["backend"]


@pytest.fixture(params=["grpc", "rest"])
def client(request: pytest.FixtureRequest, backend: Backend) -> Iterator[Client]:
    """A client by each of the protocols."""
    target = getattr(backend, request.param)
    with Client(target, request.param, model=MODEL, timeout=5) as client:
        yield client
