"""Functions of the project that the settings name."""

from importlib import import_module
from typing import Any

from evergreen.errors import SettingsError


def load_function(setting: str, path: str) -> Any:
    """Imports a function.

    Args:
        setting: The setting that names it, for the error.
        path: `package.module.function` or `package.module:function`.

    Raises:
        SettingsError: If there is no such module or function.
    """
    module, _, name = path.replace(":", ".").rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise SettingsError(
            f"{setting} = {path}: {error}.",
            hint="It names a function of a module of the project, such as data.taxi.spans:cut.",
        ) from error
