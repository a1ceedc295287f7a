"""The lock is whole: what is pinned is all that is needed, and it is what is installed."""

import re
import sysconfig
import tomllib
from collections import defaultdict
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

FOLDER = Path(__file__).parents[3] / "requirements"
LOCKS = {"runtime": ["runtime.in"], "dev": ["runtime.in", "examples.in", "dev.in"], "uv": ["uv.in"]}
# What the environment is built with, and the project itself.
TOOLS = {"pip", "uv", "evergreen"}


def installed() -> dict[str, Distribution]:
    """The installed packages by name, without those that setuptools brings along for itself."""
    found = distributions(path=[sysconfig.get_path("purelib")])
    return {canonicalize_name(package.metadata["Name"]): package for package in found}


def lines(name: str) -> list[str]:
    """The lines of a requirements file that are not comments or options."""
    text = (FOLDER / name).read_text().replace("\\\n", " ")
    stripped = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("-")]


def requirements(name: str) -> list[Requirement]:
    return [Requirement(line.split(" --hash")[0]) for line in lines(name)]


def pins(lock: str) -> dict[str, Version]:
    """The pinned version of each package in a lock."""
    pinned = {}
    for requirement in requirements(f"{lock}.txt"):
        [specifier] = requirement.specifier
        assert specifier.operator == "==", f"{requirement} is not pinned"
        pinned[canonicalize_name(requirement.name)] = Version(specifier.version)
    return pinned


def needs(roots: list[Requirement]) -> dict[str, list[tuple[str, Requirement]]]:
    """All that the roots need here, directly or not, by name: who asks, and for what."""
    extras: dict[str, set[str]] = defaultdict(set)
    found: dict[str, list[tuple[str, Requirement]]] = defaultdict(list)
    packages = installed()
    todo = [("requirements", root) for root in roots]
    while todo:
        asker, requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        known = (asker, requirement) in found[name]
        if not known:
            found[name].append((asker, requirement))
        if known and requirement.extras <= extras[name]:
            continue
        extras[name] |= requirement.extras
        for text in packages[name].requires or []:
            need = Requirement(text)
            active = ({"extra": extra} for extra in {"", *extras[name]})
            if need.marker is None or any(need.marker.evaluate(extra) for extra in active):
                todo.append((name, need))
    return found


@pytest.mark.parametrize("lock", ["runtime", "dev"])
def test_everything_needed_is_pinned_at_a_version_that_all_accept(lock: str) -> None:
    pinned = pins(lock)
    overridden = {canonicalize_name(need.name) for need in requirements("overrides.txt")}
    needed = needs([need for source in LOCKS[lock] for need in requirements(source)])
    problems = [
        f"{asker} needs {need}, the lock has {pinned.get(name, 'nothing')}"
        for name, asked in needed.items()
        for asker, need in asked
        if name not in pinned
        or (name not in overridden and not need.specifier.contains(pinned[name], prereleases=True))
    ]
    assert not problems
    assert set(pinned) <= set(needed), "pinned, but nothing needs it"


def test_overridden_packages_are_pinned_as_the_overrides_say() -> None:
    pinned = pins("runtime")
    for override in requirements("overrides.txt"):
        assert pinned[canonicalize_name(override.name)] in override.specifier


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_index_is_named(lock: str) -> None:
    for line in lines(f"{lock}.txt"):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), line
    text = (FOLDER / f"{lock}.txt").read_text()
    assert not re.search(r"://|index-url|find-links|trusted-host", text)


def test_what_development_adds_changes_nothing_of_the_runtime() -> None:
    runtime, dev = pins("runtime"), pins("dev")
    assert {name: dev.get(name) for name in runtime} == runtime


def test_what_is_installed_is_what_is_locked() -> None:
    versions = {name: Version(package.version) for name, package in installed().items()}
    locked = pins("dev")
    assert {name: versions.get(name) for name in locked} == locked
    assert set(versions) - set(locked) - TOOLS == set()


def test_the_project_is_built_with_what_the_lock_has() -> None:
    build = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())["build-system"]
    for need in map(Requirement, build["requires"]):
        assert str(need.specifier) == f"=={pins('dev')[canonicalize_name(need.name)]}"
        assert pins("runtime")[canonicalize_name(need.name)] == pins("dev")[need.name]
