"""Entry points import what they use, and a deferred package is whole for who uses it."""

import subprocess
import sys

from benchmarks.startup.entry_points import CONTAINER, LIGHT, NEVER, PROGRAMS
from tests.project import ROOT

NODE = f"""
{PROGRAMS[CONTAINER]}
import sys

def loaded(*names):
    return sorted(set(names) & set(sys.modules))

never = loaded(*{NEVER!r}, "tensorflow_model_analysis.api.model_eval_lib")
assert not never, never

import tensorflow_model_analysis as tfma
from tfx.components import Evaluator, CsvExampleGen  # whoever asks for more gets it

assert tfma.EvalConfig().DESCRIPTOR.full_name == "tensorflow_model_analysis.EvalConfig"
assert callable(tfma.load_eval_result)
assert CsvExampleGen.__module__ == "tfx.components.example_gen.csv_example_gen.component"
assert sys.modules["tfx.components.evaluator.component"].Evaluator is Evaluator
try:
    tfma.no_such_name
except AttributeError as error:
    assert "tensorflow_model_analysis" in str(error)
else:
    raise AssertionError("a name that is not there was found")

import keras

assert keras.wrappers.SKLearnClassifier and loaded("sklearn")
"""

FRONT = (
    "\n".join(PROGRAMS[name] for name in LIGHT)
    + """
import sys

heavy = {"tensorflow", "tfx", "apache_beam", "keras"} & set(sys.modules)
assert not heavy, heavy
"""
)


def check(program: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert answer.returncode == 0, answer.stderr[-3000:]


def test_a_node_starts_without_what_it_does_not_use() -> None:
    check(NODE)


def test_what_needs_no_tensorflow_imports_none() -> None:
    check(FRONT)
