"""Settings: YAML overlays and overrides, parsed once into frozen, typed models."""

from evergreen.settings.functions import function_file, load_function
from evergreen.settings.load import find_project, load_settings
from evergreen.settings.models import Settings

__all__ = ["Settings", "find_project", "function_file", "load_function", "load_settings"]
