"""Digests of the things a result depends on: code, lock, schema."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from evergreen.errors import SettingsError

CODE_SUFFIXES = {".py", ".yaml", ".json", ".pbtxt", ".txt"}


def digest_code(paths: Iterable[Path]) -> str:
    """Returns the SHA-256 of source files: names relative to their root, and contents.

    Args:
        paths: Files, or folders that are searched for files with `CODE_SUFFIXES`.

    Raises:
        SettingsError: If a path does not exist.
    """
    total = hashlib.sha256()
    for root in paths:
        if not root.exists():
            raise SettingsError(
                f"{root}: does not exist, but decides what a run is.",
                hint="Correct data.schema, pipeline.definition, use_case or lock in the settings.",
            )
        for file in _files(root):
            total.update(f"{root.name}/{file.relative_to(root)}\0".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def digest_values(**values: Any) -> str:
    """Returns the SHA-256 of values, as JSON with sorted keys."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    return sorted(file for file in root.rglob("*") if file.suffix in CODE_SUFFIXES)
