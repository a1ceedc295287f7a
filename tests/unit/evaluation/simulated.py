"""Two models on rows whose truth is known."""

import numpy as np

from evergreen.evaluation.verdicts import Predictions


def simulate(seed: int, rows: int = 1000, noise: tuple[float, float] = (1.0, 1.0)) -> Predictions:
    """Two models that see the truth through noise of their own; the payments are cut at random."""
    random = np.random.default_rng(seed)
    truth = random.normal(0.0, 2.0, rows)
    labels = (random.random(rows) < 1 / (1 + np.exp(-truth))).astype(float)
    seen = [truth + random.normal(0.0, size, rows) for size in noise]
    candidate, baseline = (
        1 / (1 + np.exp(-logits / (1 + size))) for logits, size in zip(seen, noise, strict=True)
    )
    payments = random.choice(["cash", "card", "other"], rows, p=[0.5, 0.45, 0.05]).tolist()
    return Predictions(labels, candidate, baseline, {"payment": payments})
