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
PERIOD = Period.YEAR
"""Of the spans; there is one, so it decides the name of a folder and nothing else."""


@dataclass(frozen=True)
class Inputs:
    """What all variants of a round take.

    Attributes:
        spans: The root of the spans; there is one, the example's CSV file as it is.
        steps: Steps of training.
        epochs: The same for ours, in passes over the training rows.
        csv: The folder of the files that stock reads; None for the example's own.
    """

    spans: Path
    steps: int
    epochs: int = terms.EPOCHS
    csv: Path | None = None


def stock(inputs: Inputs, folder: Path) -> list[str]:
    """The stock way."""
    data = inputs.csv or sample_path().parent
    arguments = (data, stock_module_file(), folder, inputs.steps)
    return module("benchmarks.pipeline.stock", *arguments)


def stock_module_file() -> Path:
    """The example's functions for Transform and Trainer, as installed."""
    return sample_path().parents[2] / MODULE_FILE


def same(inputs: Inputs, folder: Path) -> list[str]:
    """Ours with stock's nodes."""
    factory = "pipeline.factory=benchmarks.pipeline.same:create_pipeline"
    values = settings(inputs.spans, folder, inputs.epochs)
    return module("benchmarks.pipeline.same", factory, *values)


def full(inputs: Inputs, folder: Path) -> list[str]:
    """Ours as a user runs it."""
    pairs = settings(inputs.spans, folder, inputs.epochs)
    options = [word for pair in pairs for word in ("--set", pair)]
    return [str(EVERGREEN), "run", "--project", str(PROJECT), *options]


VARIANTS: dict[str, Callable[[Inputs, Path], list[str]]] = {
    "stock": stock,
    "same": same,
    "full": full,
}


def settings(spans: Path, folder: Path, epochs: int = terms.EPOCHS) -> list[str]:
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
        "model.hyperparameters.max_epochs": epochs,
        "model.hyperparameters.patience": epochs,
    }
    splits = {f"data.splits.{name}": size for name, size in terms.SPLITS.items()}
    return [f"{key}={value}" for key, value in (values | splits).items()]


def module(name: str, *arguments: object) -> list[str]:
    """The command that runs a Python module."""
    return [sys.executable, "-m", name, *map(str, arguments)]
