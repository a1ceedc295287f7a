"""Evergreen keeps a model fresh: the platform, reusable by any TFX project."""
