"""The digest of code changes with the code, and with nothing else."""

import shutil
from pathlib import Path

import pytest

from evergreen.errors import EvergreenError
from evergreen.planning.digests import digest_code, digest_values


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "taxi"
    (folder / "parts").mkdir(parents=True)
    (folder / "model.py").write_text("A = 1\n")
    (folder / "parts" / "deep.py").write_text("B = 2\n")
    return folder


def edit(code: Path) -> None:
    (code / "parts" / "deep.py").write_text("B = 3\n")


def add(code: Path) -> None:
    (code / "extra.py").touch()


def rename(code: Path) -> None:
    (code / "model.py").rename(code / "models.py")


def swap_contents(code: Path) -> None:
    (code / "model.py").write_text("B = 2\n")
    (code / "parts" / "deep.py").write_text("A = 1\n")


@pytest.mark.parametrize("change", [edit, add, rename, swap_contents])
def test_a_change_of_the_code_changes_its_digest(code: Path, change) -> None:
    before = digest_code([code])
    change(code)
    assert digest_code([code]) != before


def test_the_digest_does_not_depend_on_the_checkout_or_on_what_running_leaves(code: Path) -> None:
    before = digest_code([code, code / "model.py"])
    copy = shutil.copytree(code, code.parent / "another checkout" / "taxi")
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "model.cpython-311.pyc").write_bytes(b"\0")
    assert digest_code([copy, copy / "model.py"]) == before


def test_code_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvergreenError, match="nowhere: does not exist") as error:
        digest_code([tmp_path / "nowhere"])
    assert "pipeline.definition, use_case" in error.value.hint


def test_the_digest_of_values_depends_on_names_and_values_but_not_on_their_order() -> None:
    base = digest_values(a=1, b={"x": 1, "y": 2})
    assert digest_values(b={"y": 2, "x": 1}, a=1) == base
    others = [digest_values(a=1, b={"x": 2, "y": 1}), digest_values(a="1", b={"x": 1, "y": 2})]
    assert base not in others
