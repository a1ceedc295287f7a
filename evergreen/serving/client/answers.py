"""Answers as columns: a number a row, and for classes the predicted name and each probability."""

from collections.abc import Sequence

import numpy as np

from evergreen.serving.client.tensors import Array, Tensors

CLASS = "class"
"""The column with the name of the most probable class."""


def columns(outputs: Tensors, classes: Sequence[str] = ()) -> Tensors:
    """Returns one array of shape [n] for each number of an output, as far as that can be.

    Args:
        outputs: The answer to n rows.
        classes: The names of the model's classes. An output with a number for each becomes `class`,
            the name of the largest (None without finite numbers), and `OUTPUT.NAME` for each.
    """
    found: Tensors = {}
    for name, array in outputs.items():
        if classes and array.shape[1:] == (len(classes),):
            found[CLASS] = _names(array, classes)
            found |= {f"{name}.{known}": array[:, at] for at, known in enumerate(classes)}
        else:
            found[name] = array[:, 0] if array.shape[1:] == (1,) else array
    return found


def _names(array: Array, classes: Sequence[str]) -> Array:
    names = np.array(classes, object)[array.argmax(axis=1)]
    names[~np.isfinite(array).all(axis=1)] = None
    return names
