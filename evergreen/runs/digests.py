"""SHA-256 digests of files and values."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evergreen.errors import SettingsError


def digest_files(files: Mapping[str, Path]) -> str:
    """Returns the SHA-256 of the names and contents of files."""
    total = hashlib.sha256()
    for name, file in sorted(files.items()):
        with file.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256")
        total.update(f"{name}\0".encode())
        total.update(content.digest())
    return total.hexdigest()


def digest_values(**values: Any) -> str:
    """Returns the SHA-256 of values, as JSON with sorted keys."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def check_there(paths: Iterable[Path]) -> None:
    """Checks that the paths that decide a run exist.

    Raises:
        SettingsError: If a path does not exist.
    """
    for path in paths:
        if not path.exists():
            raise SettingsError(
                f"{path}: does not exist, but decides what a run is.",
                hint="Correct data.schema, pipeline.definition, use_case or lock in the settings.",
            )
