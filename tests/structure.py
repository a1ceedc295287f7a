"""`python -m tests.structure`: measures the structure of the platform, and holds it to limits.

`make lint` runs it. Floors are those of the contract `layers` in pyproject.toml, which has to name
every package; import-linter checks the imports one by one, this counts them by package.
"""

import ast
import re
import statistics
import sys
import tomllib
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PLATFORM = ROOT / "evergreen"
UNIT = ROOT / "tests/unit"
CODE = ("evergreen", "pipeline", "models", "data", "tests", "benchmarks", "docs", "requirements")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
PROCESSES = {
    "batching",
    "compiling",
    "exporting",
    "exposing",
    "ingesting",
    "merging",
    "monitoring",
    "parsing",
    "planning",
    "reporting",
    "routing",
    "running",
    "serving",
    "settings",
}
"""What the field calls by a gerund."""
LIMITS = {
    "imports that point up": 0,
    "pairs of packages that import each other": 0,
    "packages that the contract does not name": 0,
    "packages that docs/architecture.md does not name": 0,
    "files called by a gerund": 14,
    "variables called `one`": 0,
    "tests of no module": 30,  # of a folder as a whole, of hostile input, of the tests themselves
    "noqa": 49,
    "reports without a type": 0,
    "sentences taken apart": 1,  # of the model gate's verdicts, as version 0.1.0 wrote them
}
NOT_REPORTS = ("properties", "shown", "kept", "settings", "outputs")
"""Dictionaries of TFX, of TFMA, and of templates."""
UNTYPED = (
    "".join(rf"(?<!{name}: )" for name in NOT_REPORTS) + r"\b(dict|Mapping)\[str, Any\]"
    r"|report\w*\)?(\[|\.get\()[\"']|^Report = "
)
"""A report without a type, or a look into one by key."""
SENTENCES = r"(criterion|description|detail)[\"')\]]*\.(r?partition|r?split|startswith|endswith)\b"
SENTENCES += r"|\bin \w+(\.|\[\")(criterion|description|detail)\b"
"""A test on the words of a report, or a part of them."""
READERS = (
    *("components", "dashboard", "evaluation", "lineage/run_artifacts", "monitoring/page"),
    *("monitoring/reference", "orchestrators/kubeflow/figures", "orchestrators/kubeflow/parts"),
    *("reporting", "running", "runs"),
)
"""Where the reports of gates are written and read."""


def measure() -> dict[str, list[str]]:
    """Returns what each limit counts."""
    floors = contract()
    imports = imported_packages()
    page = (ROOT / "docs/architecture.md").read_text()
    up = [
        f"{package} -> {other}"
        for package, others in imports.items()
        for other in others
        if floors.get(package, 0) < floors.get(other, 0)
    ]
    mutual = [
        f"{package} <-> {other}"
        for package, other in combinations(imports, 2)
        if other in imports[package] and package in imports[other]
    ]
    return {
        "imports that point up": up,
        "pairs of packages that import each other": mutual,
        "packages that the contract does not name": sorted(set(imports) - set(floors)),
        "packages that docs/architecture.md does not name": [
            package for package in sorted(imports) if f"`{package}`" not in page
        ],
        "files called by a gerund": list(gerunds()),
        "variables called `one`": list(called("one")),
        "tests of no module": list(without_module()),
        "noqa": list(found(r"# noqa")),
        "reports without a type": [
            place
            for place in found(UNTYPED)
            if place.removeprefix("evergreen/").startswith(READERS)
        ],
        "sentences taken apart": list(found(SENTENCES)),
    }


def contract() -> dict[str, int]:
    """Returns the floor of each package, 0 being the lowest, by the contract of import-linter."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    [layers] = [item["layers"] for item in contracts if item["type"] == "layers"]
    return {
        package: floor
        for floor, line in enumerate(reversed(layers))
        for package in re.split(r"\s*[:|]\s*", line)
    }


def imported_packages() -> dict[str, set[str]]:
    """Returns the packages that each package imports; a module of the top is a package here."""
    graph = grimp.build_graph("evergreen", cache_dir=None)
    tops = {module: module.split(".")[1] for module in graph.modules if "." in module}
    imports: dict[str, set[str]] = {package: set() for package in tops.values()}
    for module, package in tops.items():
        others = graph.find_modules_directly_imported_by(module)
        imports[package] |= {tops[other] for other in others if other in tops} - {package}
    return imports


def gerunds() -> Iterator[str]:
    """Yields the files whose last word ends in -ing, but is no process of the field."""
    for path in modules():
        if path.stem.endswith("ing") and path.stem not in PROCESSES:
            yield str(path.relative_to(ROOT))


def called(name: str) -> Iterator[str]:
    """Yields the places that set a variable, an argument or a function of a name.

    Fields of classes are left out: `one` and `other` are what a comparison answers as JSON.
    """
    for path in (path for top in CODE for path in sorted(ROOT.joinpath(top).rglob("*.py"))):
        tree = ast.parse(path.read_text())
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        fields = {
            line.target for node in classes for line in node.body if isinstance(line, ast.AnnAssign)
        }
        for node in ast.walk(tree):
            if node not in fields and (
                (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
                or (isinstance(node, ast.arg) and node.arg == name)
                or (isinstance(node, FUNCTIONS) and node.name == name)
            ):
                yield f"{path.relative_to(ROOT)}:{node.lineno}"


def without_module() -> Iterator[str]:
    """Yields the tests whose path names no module: `tests/unit/a/test_b.py` is of `a/b`."""
    for path in unit_tests():
        module = path.relative_to(UNIT).with_name(path.stem.removeprefix("test_"))
        places = (top / module for top in (PLATFORM, ROOT))
        if not any(place.is_dir() or place.with_suffix(".py").is_file() for place in places):
            yield str(path.relative_to(ROOT))


def unit_tests() -> list[Path]:
    """Returns the files of unit tests."""
    return sorted(UNIT.rglob("test_*.py"))


def found(pattern: str) -> Iterator[str]:
    """Yields the lines in which a pattern is found."""
    for path in modules():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(pattern, line):
                yield f"{path.relative_to(ROOT)}:{number}"


def modules() -> list[Path]:
    """Returns the files of the platform."""
    return sorted(PLATFORM.rglob("*.py"))


def size() -> str:
    """Returns a sentence on the size of the code."""
    texts = [path.read_text() for path in modules()]
    trees = [ast.parse(text) for text in texts]
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS)
    ]
    inner = sum(
        isinstance(node, ast.ImportFrom) and (node.module or "").startswith("evergreen")
        for tree in trees
        for node in ast.walk(tree)
    )
    return (
        f"{len(texts)} files, {sum(text.count(chr(10)) for text in texts)} lines; functions of "
        f"{statistics.median(lengths):g} lines at the median, {max(lengths)} at most; "
        f"{inner / len(texts):.1f} imports of the platform's own a file; "
        f"{1 - len(list(without_module())) / len(unit_tests()):.0%} of the tests lie at their "
        "module's path"
    )


def main() -> int:
    """Prints each count beside its limit; returns 1 if one is exceeded."""
    print(size())  # noqa: T201
    exceeded = 0
    for name, where in measure().items():
        bad = len(where) > LIMITS[name]
        exceeded |= bad
        print(f"{len(where):4} {name} (at most {LIMITS[name]})")  # noqa: T201
        if bad:
            print("\n".join(f"     {place}" for place in where))  # noqa: T201
    return exceeded


if __name__ == "__main__":
    sys.exit(main())
