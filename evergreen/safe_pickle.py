"""Lets TFX's libraries unpickle data, but nothing that runs code.

Issue: TensorFlow Transform 1.21 keeps its analyzer cache, and TFMA 0.52 reads evaluations of old
versions, as pickles below the pipeline's root: whoever can write there could run code in a node.

Solution: the module that they import as `pickle` loads only plain values and the classes named
here.
"""

import io
import pickle
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

from evergreen.module_finder import ModuleFinder

MODULES = (
    "tensorflow_transform.analyzers",
    "tensorflow_transform.beam.analyzer_cache",
    "tensorflow_model_analysis.writers.eval_config_writer",
)
ALLOWED = {
    ("_codecs", "encode"),  # for bytes, in the oldest protocol
    ("tfx_bsl.cc.tfx_bsl_extension.sketches", "QuantilesSketch"),
}


def install() -> None:
    """Restricts the libraries, imported or not. Idempotent."""
    for name in MODULES:
        if name in sys.modules:
            _restrict(sys.modules[name])
    ModuleFinder(MODULES, _Loader).install()


class _Data(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(
            f"{module}.{name}: such a thing is not in what was written here; somebody else's file?"
        )


def loads(data: bytes) -> Any:
    """Unpickles plain values, and the allowed classes.

    Raises:
        pickle.UnpicklingError: If there is anything else.
    """
    return _Data(io.BytesIO(data)).load()


def _restrict(module: ModuleType) -> None:
    restricted = ModuleType("pickle", __doc__)
    vars(restricted).update(dumps=pickle.dumps, loads=loads)
    vars(module)["pickle"] = restricted


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        _restrict(module)
