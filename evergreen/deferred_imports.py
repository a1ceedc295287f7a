"""Imports packages without running an expensive `__init__` until it is needed.

Issue: using one component of TFX means importing `tfx.components`, which imports all of them and
TFMA; so does its launcher. That is a third of the imports of a node's process.

Solution: the `__init__` of the packages below runs when an attribute is requested.
`importlib.util.LazyLoader` does that, too, but runs it already when a submodule is imported; here
submodules are imported without it.
"""

import importlib
from importlib.machinery import SourceFileLoader
from threading import RLock
from types import ModuleType
from typing import Any

from evergreen.module_finder import ModuleFinder

DEFERRED = (
    "tfx.components",  # TFX 1.21: all components, whichever is used
    "tensorflow_model_analysis",  # 0.52: for a few names in the description of Evaluator
    "keras.wrappers",  # Keras 3.15: scikit-learn
    "keras._tf_keras.keras.wrappers",
    "keras.visualization",  # Keras 3.15: matplotlib
    "keras._tf_keras.keras.visualization",
    "keras.src.visualization",
)
"""Remove a package when it imports its dependencies only when it uses them."""

COMPLETED = {"tensorflow_model_analysis": "tensorflow_model_analysis.proto.config_pb2"}
"""Names that the `__init__` of `tfx.components` adds to a package from another module."""


def install() -> None:
    """Defers the packages that are not imported yet. Idempotent."""
    ModuleFinder(DEFERRED, _Loader).install()


class _Loader(SourceFileLoader):
    """Creates the module, and runs its code on request."""

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Deferred
        if source := COMPLETED.get(module.__name__):
            public = vars(importlib.import_module(source)).items()
            vars(module).update({name: value for name, value in public if name[0] != "_"})

    def run(self, module: ModuleType) -> None:
        """Runs the `__init__`."""
        super().exec_module(module)


class _Deferred(ModuleType):
    """A package whose `__init__` has not run yet."""

    _lock = RLock()
    _runs = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        with _Deferred._lock:
            if name not in vars(self):  # another thread may have been faster
                self._provide(name)
            return vars(self)[name]

    def _provide(self, name: str) -> None:
        """Imports the submodule of that name, or else runs `__init__`."""
        submodule = f"{self.__name__}.{name}"
        try:
            importlib.import_module(submodule)
        except ModuleNotFoundError as error:
            if error.name != submodule:
                raise
            self._run()
        if name not in vars(self):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def _run(self) -> None:
        loader = self.__spec__.loader if self.__spec__ else None
        if isinstance(loader, _Loader) and not self._runs:
            self._runs = True
            loader.run(self)
            self.__class__ = ModuleType  # type: ignore[assignment]
