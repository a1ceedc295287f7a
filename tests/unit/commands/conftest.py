from tests.unit.serving.backend import backend

__all__ = ["backend"]
