"""Load on a model server, and what it makes of it."""

from evergreen.serving.loadtest.plan import Load, Target

__all__ = ["Load", "Target"]
