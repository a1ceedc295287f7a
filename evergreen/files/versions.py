"""Pushes a model to where servers look for it: complete, once, and never over another one."""

import json
import shutil
import tempfile
from pathlib import Path

from evergreen.errors import EvergreenError
from evergreen.files import publish_folder

RECEIPT = Path("assets.extra/evergreen.json")
"""Which training a pushed version is of. TensorFlow Serving leaves `assets.extra` alone."""


def push(model: Path, target: Path, train_key: str) -> bool:
    """Publishes a SavedModel as a version, unless the version of the same training is there.

    Training again gives other bytes (a SavedModel holds a random id), but not another version: what
    was pushed first stays.

    Args:
        model: The folder of a SavedModel.
        target: The folder of the version.
        train_key: The key of the training that made the model.

    Returns:
        Whether it was published now.

    Raises:
        EvergreenError: If the version exists and is of another training. It is left as it is.
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
    """Returns the key of the training that a pushed version is of; None if nothing says so."""
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
