"""The three ways that are compared, each a command that writes below a folder of its own."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pipeline import terms
from data.taxi.source import sample_path
from evergreen.spans import Period

PROJECT = Path(__file__).parents[2]
EVERGREEN = Path(sys.executable).with_name("evergreen")
MODULE_FILE = "taxi_utils_native_keras.py"
"""The example's functions for Transform and Trainer, as installed."""
PERIOD = Period.YEAR
"""Of the spans; there is one, so it decides the name of a folder and nothing else."""


@dataclass(frozen=True)
class Inputs:
    """What all variants of a round take.

    Attributes:
        spans: The root of the spans; there is one, the example's CSV file as it is.
        steps: Steps of training.
    """

    spans: Path
    steps: int


def stock(inputs: Inputs, folder: Path) -> list[str]:
    """The stock way, on the data in the installed package."""
    data = sample_path().parent
    module_file = data.parents[1] / MODULE_FILE
    arguments = (data, module_file, folder, inputs.steps)
    return _module("benchmarks.pipeline.stock", *arguments)


def same(inputs: Inputs, folder: Path) -> list[str]:
    """Ours with stock's nodes."""
    factory = "pipeline.factory=benchmarks.pipeline.same:create_pipeline"
    return _module("benchmarks.pipeline.same", factory, *settings(inputs.spans, folder))


def full(inputs: Inputs, folder: Path) -> list[str]:
    """Ours as a user runs it."""
    pairs = settings(inputs.spans, folder)
    options = [word for pair in pairs for word in ("--set", pair)]
    return [str(EVERGREEN), "run", "--project", str(PROJECT), *options]


VARIANTS: dict[str, Callable[[Inputs, Path], list[str]]] = {
    "stock": stock,
    "same": same,
    "full": full,
}


def settings(spans: Path, folder: Path) -> list[str]:
    """Returns what ours is told by `--set`: where to write, and the terms of the comparison."""
    values = {
        "pipeline.root": folder / "pipeline",
        "data.spans": spans,
        "data.period": PERIOD.value,
        "metadata.sqlite": folder / "metadata.sqlite",
        "serving.base_path": folder / "serving",
        "reports.folder": folder / "reports",
        "logs.folder": folder / "logs",
        "model.hyperparameters.batch_size": terms.BATCH,
        "model.hyperparameters.max_epochs": terms.EPOCHS,
        "model.hyperparameters.patience": terms.EPOCHS,
    }
    splits = {f"data.splits.{name}": size for name, size in terms.SPLITS.items()}
    return [f"{key}={value}" for key, value in (values | splits).items()]


def _module(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", name, *map(str, arguments)]
