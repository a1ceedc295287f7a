"""A controller with a real store, real spans and real planning; what runs do is quick."""

from pathlib import Path

import pytest

from tests.unit.planning.conftest import Bench, bench
from tests.unit.triggers.world import World

__all__ = ["bench"]


@pytest.fixture
def world(bench: Bench) -> World:
    """A project with two spans, none of them ingested, and a controller that has not begun."""
    return World(bench)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
