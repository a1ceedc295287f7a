"""Pushes models to the servers' folder: completely, once, and never over another version."""

import json
import shutil
import tempfile
from pathlib import Path

from evergreen.errors import EvergreenError
from evergreen.files import publish_folder

RECEIPT = Path("assets.extra/evergreen.json")
"""Names the training of a pushed version. TensorFlow Serving ignores `assets.extra`."""


def push(model: Path, target: Path, train_key: str) -> bool:
    """Publishes a SavedModel as a version, unless this training's version is there.

    Repeating a training gives other bytes (a SavedModel holds a random id) but not another version:
    the first push stays.

    Args:
        model: The folder of a SavedModel.
        target: The folder of the version.
        train_key: The key of the training that made the model.

    Returns:
        Whether it was published now.

    Raises:
        EvergreenError: If the version exists and is another training's. It is left unchanged.
    """
    if target.exists():
        _check(target, train_key)
        return False
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "model")
        shutil.copytree(model, copy)
        (copy / RECEIPT).parent.mkdir(exist_ok=True)
        (copy / RECEIPT).write_text(json.dumps({"train_key": train_key}))
        return publish_folder(copy, target)


def pushed_key(version: Path) -> str | None:
    """Returns the training key of a pushed version; None if it has none."""
    try:
        return str(json.loads((version / RECEIPT).read_text(encoding="utf-8"))["train_key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check(target: Path, train_key: str) -> None:
    if pushed_key(target) != train_key:
        raise EvergreenError(
            f"{target}: exists already, and was not made by this training.",
            hint="A version is never overwritten. Move the folder away, or name another in "
            "serving.base_path.",
        )
