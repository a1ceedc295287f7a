"""The map in `docs/architecture.md` is that of the code."""

import ast
import re
from pathlib import Path

import pytest

from tests.structure import contract

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()
PATHS = sorted(set(re.findall(r"`([\w/.]+/[\w.]*)(?:: (\w+))?`", PAGE)))


@pytest.mark.parametrize(("path", "name"), PATHS)
def test_files_and_names_exist(path: str, name: str) -> None:
    [file] = [base / path for base in (ROOT, ROOT / "evergreen") if (base / path).exists()]
    if name:
        defined = {getattr(node, "name", "") for node in ast.parse(file.read_text()).body}
        assert name in defined, f"{path} has no {name}"


def test_the_floors_are_those_of_the_contract() -> None:
    """In its order, each package once; some floors of the contract share a line."""
    rows = re.findall(r"^\| [\w ,]+ \| ((?:`\w+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    packages = [name for row in rows for name in re.findall(r"\w+", row)]
    floors = contract()
    assert sorted(packages) == sorted(floors)
    assert [floors[name] for name in packages] == sorted(floors.values(), reverse=True)
