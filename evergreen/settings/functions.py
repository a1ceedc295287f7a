"""Functions of the project that the settings name."""

from importlib import import_module
from importlib.util import find_spec
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
    module, name = _split(path)
    try:
        return getattr(import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise _unknown(setting, path, str(error)) from error


def function_module(setting: str, path: str) -> str:
    """Returns the name of a function's module, without importing it.

    Args:
        setting: The setting that names it, for the error.
        path: As for `load_function`.

    Raises:
        SettingsError: If there is no such module.
    """
    module, _ = _split(path)
    try:
        spec = find_spec(module)
    except ModuleNotFoundError as error:
        raise _unknown(setting, path, str(error)) from error
    if spec is None or spec.origin is None:
        raise _unknown(setting, path, f"No module named {module!r}")
    return module


def _split(path: str) -> tuple[str, str]:
    module, _, name = path.replace(":", ".").rpartition(".")
    return module, name


def _unknown(setting: str, path: str, problem: str) -> SettingsError:
    return SettingsError(
        f"{setting} = {path}: {problem}.",
        hint="It names a function of a module of the project, such as data.taxi.spans:cut.",
    )
