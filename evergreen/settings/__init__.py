"""Settings: YAML overlays and overrides, parsed once into frozen, typed models."""

from evergreen.settings.load import Settings, find_project, load_settings

__all__ = ["Settings", "find_project", "load_settings"]
