"""Digests change with what they are of, and with nothing else."""

from pathlib import Path

import pytest

from evergreen.errors import EvergreenError
from evergreen.runs.digests import check_there, digest_files, digest_values


def test_the_digest_of_files_depends_on_names_and_contents_but_not_on_order_or_place(
    tmp_path: Path,
) -> None:
    first, other = tmp_path / "one", tmp_path / "other"
    first.write_bytes(b"A = 1\n")
    other.write_bytes(b"B = 2\n")
    base = digest_files({"a": first, "b": other})
    assert digest_files({"b": other, "a": first}) == base
    assert digest_files({"a": other, "b": first}) != base
    assert digest_files({"a": first, "c": other}) != base
    moved = first.rename(tmp_path / "elsewhere")
    assert digest_files({"a": moved, "b": other}) == base


def test_code_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvergreenError, match="nowhere: does not exist") as error:
        check_there([tmp_path, tmp_path / "nowhere"])
    assert "pipeline.definition, use_case" in error.value.hint


def test_the_digest_of_values_depends_on_names_and_values_but_not_on_their_order() -> None:
    base = digest_values(a=1, b={"x": 1, "y": 2})
    assert digest_values(b={"y": 2, "x": 1}, a=1) == base
    others = [digest_values(a=1, b={"x": 2, "y": 1}), digest_values(a="1", b={"x": 1, "y": 2})]
    assert base not in others
