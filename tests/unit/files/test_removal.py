"""Only files below their root are removed, wherever their name leads."""

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.errors import EvergreenError
from evergreen.files import TRASH, OutsideError, Trash, below, renew
from tests.fuzzing import fuzz
from tests.project import ROOT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path)


def make(tmp_path: Path) -> Path:
    """A root with a file in a folder, and links out of it, within it, and to itself."""
    for folder in ("root/a/b", "root/deep", "outside/a", "root-2/a"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").write_text(folder)
    root = tmp_path / "root"
    for name, target in (
        ("out", "../outside"), ("in", "a"), ("up", ".."), ("self", "self"), ("a/out", "/"),
    ):  # fmt: skip
        (root / name).symlink_to(target)
    (tmp_path / "alias").symlink_to("root")
    return root


def tree(folder: Path) -> list[str]:
    return sorted(_names(folder))


def _names(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        yield from (os.path.join(parent, name) for name in (*folders, *files))


NAMES = ["a", "b", "file", "deep", "out", "in", "up", "self", "outside", "root", "root-2"]
PARTS = st.sampled_from([*NAMES, "..", ".", "\0"])


@fuzz(300)
@given(parts=st.lists(PARTS, max_size=6), start=st.sampled_from(["root", "alias", "", "/"]))
def test_only_what_is_below_the_root_goes(parts: list[str], start: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder).resolve())
        before = tree(made.parent)
        place = Path(made.parent, start, *parts) if start != "/" else Path("/", *parts)
        try:
            assert Trash(made).remove(place, lambda: True)
        except OutsideError:
            assert tree(made.parent) == before
            return
        real = str(place.resolve())
        assert ".." not in place.parts
        assert Path(real).is_relative_to(made)
        left = [path for path in before if path != real and not path.startswith(f"{real}/")]
        assert tree(made.parent) == left


def test_a_place_is_told_from_its_root(root: Path, tmp_path: Path) -> None:
    assert below(root, root / "a/b") == Path("a/b")
    assert below(tmp_path / "alias", root / "a/b") == Path("a/b")
    assert below(root, tmp_path / "alias/new/thing") == Path("new/thing")
    for place, why in (
        (root, "is not below"),
        (tmp_path / "root-2/a", "is not below"),
        (root / "../outside", r"`\.\.`"),
        (root / "out/a", "is not below"),
        (root / "in/b", "leads through a link"),
        (root / "self", "leads nowhere"),
    ):
        with pytest.raises(OutsideError, match=why):
            below(root, place)


def test_who_may_not_go_any_more_is_put_back(root: Path) -> None:
    before = tree(root)
    answers = iter([True, False])
    assert not Trash(root).remove(root / "a", lambda: next(answers))
    assert [path for path in tree(root) if TRASH not in path] == before
    assert not Trash(root).remove(root / "a", lambda: False)
    assert Trash(root).names() == []


def test_links_in_what_goes_are_not_followed(root: Path, tmp_path: Path) -> None:
    assert Trash(root).remove(root / "a", lambda: True)
    assert (tmp_path / "outside/a/file").read_text() == "outside/a"
    assert not (root / TRASH).exists()


def test_a_trash_that_is_a_link_takes_nothing(root: Path, tmp_path: Path) -> None:
    (root / TRASH).symlink_to(tmp_path / "outside")
    before = tree(tmp_path)
    with pytest.raises(OutsideError):
        Trash(root).remove(root / "a", lambda: True)
    assert tree(tmp_path) == before


def test_what_cannot_be_moved_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(EvergreenError, match="a/b: cannot be moved or removed: Permission denied"):
        Trash(root).remove(root / "a/b", lambda: True)
    assert (root / "a/b/file").exists()


def test_a_folder_is_made_anew_only_if_it_was_made_so(root: Path) -> None:
    before = tree(root)
    with pytest.raises(EvergreenError, match="is not empty, and would be removed"):
        renew(root)
    assert tree(root) == before
    for _ in range(2):
        renew(root / "a/new")
        (root / "a/new/file").touch()
    renew(root / "a/new")
    assert not (root / "a/new/file").exists()


OWN = {"files/publication.py", "monitoring/alerts.py", "preflight/transformation.py",
       "scaffold/publication.py", "serving/gateway/prediction_log/files.py",
       "spans/publish.py"}  # fmt: skip
"""They remove what they themselves have just made, under names of their own."""


def test_nobody_else_removes_anything() -> None:
    package = ROOT / "evergreen"
    calls = re.compile(r"rmtree|\.unlink\(|\.rmdir\(|os\.remove|removedirs|shutil\.move")
    found = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if calls.search(file.read_text())
    }
    assert found - {"files/removal.py"} <= OWN
