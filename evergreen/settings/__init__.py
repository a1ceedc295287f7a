"""Settings: YAML overlays and overrides, parsed once into frozen, typed models."""

from evergreen.settings.functions import function_module, load_function
from evergreen.settings.load import find_project, load_settings, settings_files
from evergreen.settings.models import Settings

__all__ = [
    "Settings",
    "find_project",
    "function_module",
    "load_function",
    "load_settings",
    "settings_files",
]
