from tests.unit.planning.conftest import bench
from tests.unit.serving.backend import backend
from tests.unit.triggers.conftest import world

__all__ = ["backend", "bench", "world"]
