"""Names: of use cases, which become packages and folders, and of what is written in their code."""

import keyword
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from evergreen.errors import SettingsError
from evergreen.settings import use_cases

PLAIN = r"[A-Za-z][A-Za-z0-9_]{0,99}"
LONGEST = 60
PLACES = ("models", "data", "configs", "docs/use-cases", "tests/unit/models")
"""Folders in which a use case has a file or a folder of its name."""
RESERVED = {"none", "null", "true", "false", "test", "tests", "unit", "models", "data"}
RESERVED |= {"configs", "docs", "pipeline", "evergreen", "var", "bound"}


def check_name(project: Path, name: str) -> None:
    """Checks the name of a new use case.

    Args:
        project: The project's folder.
        name: The name.

    Raises:
        SettingsError: If it cannot be a package's name, or is taken, if only by case.
    """
    use_cases.check_name(name)
    if name in RESERVED:
        raise SettingsError(
            f"{name!r} is no name for a use case: it is a word of the project.",
            hint=f"Such as {name}_model.",
        )
    for place in PLACES:
        for path in sorted((project / place).glob("*")):
            if path.stem.casefold() == name.casefold():
                raise SettingsError(
                    f"the name {name!r} is taken: {path.relative_to(project)} exists.",
                    hint="Choose another name, or remove what is there.",
                )


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """Returns a name in ASCII for each column that TensorFlow's signatures cannot be called by.

    Args:
        names: All columns of a table.

    Returns:
        New names by old ones; columns with a plain name are not among them.
    """
    listed = list(names)
    taken = {name for name in listed if _is_plain(name)}
    found = {}
    for name in listed:
        if name not in taken:
            base = identifier(name, "column")[:LONGEST]
            tries = (base, *(f"{base}_{number}" for number in range(2, len(listed) + 2)))
            found[name] = next(choice for choice in tries if choice not in taken)
            taken.add(found[name])
    return found


def _is_plain(name: str) -> bool:
    return re.fullmatch(PLAIN, name) is not None and not keyword.iskeyword(name)


def identifier(text: str, default: str) -> str:
    """Returns a Python name for a text; the default if none of its characters fits."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not name:
        return default
    if name[0].isdigit():
        name = f"n{name}"
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) else name
