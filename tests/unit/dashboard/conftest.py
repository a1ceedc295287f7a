"""A project with a history, without files but those of the versions."""

from pathlib import Path

import pytest

from tests.unit.lineage.worlds import World


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Version 1 serves, 12 is the canary; only read."""
    return World.make(tmp_path_factory.mktemp("history"), 12)


@pytest.fixture
def fresh(tmp_path: Path) -> World:
    """The same, to be changed."""
    return World.make(tmp_path, 6)
