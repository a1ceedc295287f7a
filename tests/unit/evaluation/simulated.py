"""Two models on rows whose truth is known."""

import numpy as np

from evergreen.evaluation.verdicts import Predictions
from evergreen.settings.task import Task

CLASSES = ("red", "green", "blue")


def simulate(seed: int, rows: int = 1000, noise: tuple[float, float] = (1.0, 1.0)) -> Predictions:
    """Two models that see the truth through noise of their own; the payments are cut at random."""
    random = np.random.default_rng(seed)
    truth = random.normal(0.0, 2.0, rows)
    labels = (random.random(rows) < 1 / (1 + np.exp(-truth))).astype(float)
    seen = [truth + random.normal(0.0, size, rows) for size in noise]
    candidate, baseline = (
        1 / (1 + np.exp(-logits / (1 + size))) for logits, size in zip(seen, noise, strict=True)
    )
    return Predictions(labels, candidate, baseline, {"payment": _payments(random, rows)})


def simulate_classes(
    seed: int, rows: int = 1000, noise: tuple[float, float] = (1.0, 1.0)
) -> Predictions:
    """Three classes, the last one rare."""
    random = np.random.default_rng(seed)
    truth = random.normal(0.0, 2.0, (rows, 3)) - [0.0, 0.0, 2.0]
    labels = (truth + random.gumbel(size=truth.shape)).argmax(axis=1).astype(float)
    seen = [truth + random.normal(0.0, size, truth.shape) for size in noise]
    odds = [np.exp(logits / (1 + size)) for logits, size in zip(seen, noise, strict=True)]
    candidate, baseline = (found / found.sum(axis=1, keepdims=True) for found in odds)
    columns = {"payment": _payments(random, rows)}
    return Predictions(labels, candidate, baseline, columns, task=Task.MULTICLASS, classes=CLASSES)


def simulate_numbers(
    seed: int, rows: int = 1000, noise: tuple[float, float] = (1.0, 1.0)
) -> Predictions:
    """Two models that miss a number by normal errors."""
    random = np.random.default_rng(seed)
    labels = random.lognormal(2.0, 1.0, rows)
    candidate, baseline = (labels + random.normal(0.0, size, rows) for size in noise)
    columns = {"payment": _payments(random, rows)}
    return Predictions(labels, candidate, baseline, columns, task=Task.REGRESSION)


SIMULATED = {
    Task.BINARY: simulate,
    Task.MULTICLASS: simulate_classes,
    Task.REGRESSION: simulate_numbers,
}


def _payments(random: np.random.Generator, rows: int) -> list[str]:
    return random.choice(["cash", "card", "other"], rows, p=[0.5, 0.45, 0.05]).tolist()
