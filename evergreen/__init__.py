"""Evergreen: the machinery that keeps a model fresh, reusable under any TFX project."""
