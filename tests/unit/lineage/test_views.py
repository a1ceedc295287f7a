"""A version's files are found after their folder was moved, and no other training's are."""

import json
from pathlib import Path

from evergreen.files.versions import RECEIPT
from evergreen.lineage.views import VersionView


def test_a_version_is_found_where_its_folder_was_moved(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    version = VersionView(version=2, train_key="its own", path=str(old / "2"))
    assert version.folder(new) == old / "2"
    receipt = new / "2" / RECEIPT
    receipt.parent.mkdir(parents=True)
    (new / "2/saved_model.pb").touch()
    for key, place in (("another's", old / "2"), ("its own", new / "2")):
        receipt.write_text(json.dumps({"train_key": key}))
        assert version.folder(new) == place


def test_a_version_that_names_no_folder_is_where_versions_are_pushed(tmp_path: Path) -> None:
    assert VersionView(version=3, train_key="its own").folder(tmp_path) == tmp_path / "3"
