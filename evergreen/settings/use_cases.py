"""Use cases, found by name: `models/NAME/`, `data/NAME/`, `configs/NAME.yaml`."""

import keyword
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evergreen.errors import SettingsError, or_meant
from evergreen.settings.sources import parse, read

DEFAULT = "taxi"
"""The use case that is meant if none is named; the setting `use_case` names another."""
KEY = "use_case"
NAME = r"^[a-z][a-z0-9_]{0,39}$"
"""A name that is safe as a package, in folders, contexts, URLs, and in Kubernetes."""
ENVIRONMENTS = ("local", "dev", "staging", "production", "kubeflow", "flink")
RESERVED = frozenset({"base", *ENVIRONMENTS})


@dataclass(frozen=True)
class Selection:
    """What to load settings for.

    Attributes:
        use_case: The name of the use case.
        environments: Files of environments, in the order given.
    """

    use_case: str
    environments: tuple[Path, ...]

    def files(self, project: Path) -> list[Path]:
        """Returns all files that settings come from; later ones win."""
        folder = project / "configs"
        return [folder / "base.yaml", folder / f"{self.use_case}.yaml", *self.environments]


def select(
    project: Path, overlays: Sequence[str], overrides: Sequence[str], use_case: str
) -> Selection:
    """Finds out which use case and which environments are meant.

    Args:
        project: The project's folder.
        overlays: Names of environments or of the use case, or files, in any order.
        overrides: `section.key=value` pairs, one of which may set `use_case`.
        use_case: The name of the use case; empty if it is not given by its own option.

    Raises:
        SettingsError: If there is no such use case or environment, or two use cases are named.
    """
    known = use_cases(project)
    name = named(known, overlays, overrides, use_case)
    files = tuple(_environment(project, name) for name in overlays if name not in known)
    if not name:
        sources = [*reversed(files), project / "configs/base.yaml"]
        read_ = (read(file, project)[1] for file in sources)
        name = next((str(values[KEY]) for values in read_ if values.get(KEY)), DEFAULT)
    _check(project, name, known)
    return Selection(name, files)


def named(
    known: Sequence[str], overlays: Sequence[str], overrides: Sequence[str], use_case: str
) -> str:
    """Returns the use case that options name; empty if they name none. Arguments as `select`.

    Raises:
        SettingsError: If they name two.
    """
    given = [values for _, values in map(parse, overrides)]
    found = [use_case, *(values[KEY] for values in given if KEY in values)]
    found += [name for name in overlays if name in known]
    names = list(dict.fromkeys(str(name) for name in found if name))
    if len(names) > 1:
        raise SettingsError(
            f"two use cases are named: {' and '.join(names)}.", hint="Name one of them."
        )
    return names[0] if names else ""


def use_cases(project: Path) -> list[str]:
    """Returns the names of a project's use cases, sorted.

    A file in `configs/` is a use case if `models/` has a folder of its name, or if it says so: its
    `use_case` is its own name.
    """
    files = sorted((project / "configs").glob("*.yaml"))
    return [file.stem for file in files if file.stem not in RESERVED and _is_one(project, file)]


def check_name(name: str) -> None:
    """Checks that a use case may be called so.

    Raises:
        SettingsError: If it may not.
    """
    problem = ""
    if not re.fullmatch(NAME, name):
        problem = "is not of the form letters, digits and _, 40 at most, in lower case"
    elif keyword.iskeyword(name) or keyword.issoftkeyword(name):
        problem = "is a keyword of Python, and the package models.NAME has that name"
    elif name in RESERVED:
        problem = "is the name of an environment"
    if problem:
        raise SettingsError(
            f"{name[:60]!r} is no name for a use case: it {problem}.",
            hint="Such as flights, or late_flights.",
        )


def _is_one(project: Path, file: Path) -> bool:
    if (project / "models" / file.stem).is_dir():
        return True
    found = re.search(rf"^{KEY}: *['\"]?(\w+)", file.read_text(errors="replace"), re.MULTILINE)
    return found is not None and found[1] == file.stem


def _check(project: Path, name: str, known: Sequence[str]) -> None:
    if name in known or name.lower() not in known:
        check_name(name)
    if name in known:
        return
    there = ", ".join(known) or "none"
    halves = [f"configs/{name}.yaml", f"models/{name}"]
    for half, other in (halves, reversed(halves)):
        if (project / half).exists():
            raise SettingsError(
                f"use case {name}: {half} is there, and {other} is not.",
                hint=f"Restore it, or name another use case: {there}.",
            )
    raise SettingsError(
        f"there is no use case {name!r}{or_meant(name.lower(), known)}",
        hint=f"There are: {there}. A new one: evergreen new {name.lower()} --from TABLE",
    )


def _environment(project: Path, name: str) -> Path:
    file = Path(name) if name.endswith((".yaml", ".yml")) else project / f"configs/{name}.yaml"
    if not file.is_file():
        known = {path.stem: path for path in (project / "configs").glob("*.yaml")}
        raise SettingsError(
            f"no settings file {file}{or_meant(Path(name).stem, known)}",
            hint=f"In configs/ there are: {', '.join(sorted(known))}; or give a path ending in "
            ".yaml.",
        )
    return file


def environments(project: Path, overlays: Iterable[str]) -> list[str]:
    """Returns which of some overlays are environments, and not the use case."""
    known = use_cases(project)
    return [name for name in overlays if name not in known]
