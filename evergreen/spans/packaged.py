"""Finds data that an installed package ships."""

import importlib.util
from pathlib import Path

from evergreen.errors import DataError


def packaged_file(package: str, name: str) -> Path:
    """Finds a file inside an installed package, without importing it.

    Args:
        package: The package.
        name: The file's path inside of it.

    Raises:
        DataError: If the package is not installed, or does not have the file.
    """
    found = importlib.util.find_spec(package)
    for folder in (found and found.submodule_search_locations) or []:
        path = Path(folder, name)
        if path.is_file():
            return path
    raise DataError(
        f"the installed packages have no {package}/{name}",
        hint="Install the locked requirements, or name a source file of your own.",
    )
