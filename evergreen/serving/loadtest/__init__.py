"""Puts load on a model server, and measures its answers."""

from evergreen.serving.loadtest.plan import Load, Target

__all__ = ["Load", "Target"]
