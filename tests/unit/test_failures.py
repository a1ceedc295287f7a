"""A failure is told with the last place in the project's own code, however it comes."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import apache_beam as beam
import pytest

from evergreen.failures import describe, place

CODE = """
import json


def parse(text):
    return json.loads(text)


def scale(element):
    return element / 0


def loss(labels):
    if labels > 0:
        labels = labels + undefined
    return labels
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of a project."""
    (tmp_path / "own_code.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    importlib.invalidate_caches()
    return importlib.reload(importlib.import_module("own_code"))


def failure(act: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any failure
        act()
    return caught.value


def test_the_last_frame_of_the_project_is_named_not_that_of_a_library(own: ModuleType) -> None:
    told = describe(failure(lambda: own.parse("{")))
    assert told.startswith("JSONDecodeError: ")
    assert told.endswith(" (own_code.py, line 6, in parse)")


def test_a_failure_inside_of_beam_is_found_in_its_message(own: ModuleType) -> None:
    def run() -> None:
        with beam.Pipeline(runner="FnApiRunner") as pipeline:
            _ = pipeline | beam.Create([1]) | beam.Map(own.scale)

    error = failure(run)
    assert str(place(error)) == "own_code.py, line 10, in scale"
    assert "ZeroDivisionError: division by zero" in describe(error)


def test_a_failure_in_traced_code_is_found_in_its_message(own: ModuleType) -> None:
    import tensorflow as tf

    error = failure(lambda: tf.function(own.loss)(tf.constant(1.0)))
    found = place(error)
    assert found
    assert (Path(found.file).name, found.function.strip("*").strip()) == ("own_code.py", "loss")


def test_a_module_that_is_no_python_is_named(tmp_path: Path, own: ModuleType) -> None:
    Path(own.__file__).write_text("def f(:\n")
    told = describe(failure(lambda: importlib.reload(own)))
    assert told.startswith("SyntaxError: ")
    assert told.endswith("(own_code.py, line 1)")


def test_a_failure_of_a_library_alone_has_no_place() -> None:
    error = json.JSONDecodeError("no", "", 0)
    assert place(error) is None
    assert describe(error) == "JSONDecodeError: no: line 1 column 1 (char 0)"
