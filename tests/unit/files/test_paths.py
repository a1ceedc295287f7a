"""A secret is open to others where more than its owner, or than this process, may use it."""

import os
from pathlib import Path

import pytest

from evergreen.files import is_open_to_others

STRANGE = 54_321
"""A user and a group that nobody here has."""


def secret(folder: Path, mode: int, owner: int = -1, group: int = -1) -> Path:
    file = folder / "keys"
    file.write_text("a key\n")
    file.chmod(mode)
    os.chown(file, owner, group)
    return file


@pytest.mark.parametrize(
    ("mode", "is_open"),
    [(0o600, False), (0o400, False), (0o640, True), (0o660, True), (0o604, True), (0o602, True)],
)
def test_of_its_owner_alone(tmp_path: Path, mode: int, is_open: bool) -> None:
    assert is_open_to_others(secret(tmp_path, mode)) is is_open


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize(
    ("mode", "group", "is_open"),
    [
        (0o440, os.getegid(), False),
        (0o660, os.getegid(), False),
        (0o444, os.getegid(), True),
        (0o442, os.getegid(), True),
        (0o440, STRANGE, True),
    ],
)
def test_as_a_cluster_mounts_it(tmp_path: Path, mode: int, group: int, is_open: bool) -> None:
    assert is_open_to_others(secret(tmp_path, mode, STRANGE, group)) is is_open
