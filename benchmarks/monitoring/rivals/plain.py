"""Plain pandas, NumPy and scikit-learn: the figures alone, without intervals or a report."""

from typing import Any

import numpy as np
import pandas as pd
from reading import timed
from scipy.spatial.distance import jensenshannon
from sklearn import metrics


def compute(before: pd.DataFrame, now: pd.DataFrame) -> dict[str, Any]:
    """Distances of all features and of the score, then metrics."""
    found: dict[str, Any] = {
        name: _of_text(before[name], now[name])
        if before[name].dtype == object
        else _of_numbers(before[name], now[name])
        for name in before.columns
        if name != "label"
    }
    known = now[now["label"].notna()]
    label, score = known["label"].to_numpy(), known["score"].to_numpy()
    return found | {
        "log_loss": metrics.log_loss(label, score),
        "auc": metrics.roc_auc_score(label, score),
        "brier": metrics.brier_score_loss(label, score),
        "by payment": {
            name: metrics.log_loss(part["label"], part["score"], labels=[0, 1])
            for name, part in known.groupby("payment_type")
        },
    }


def _of_numbers(before: pd.Series, now: pd.Series) -> float:
    edges = np.unique(np.nanquantile(before, np.arange(1, 10) / 10))
    counts = [np.bincount(np.searchsorted(edges, side.dropna()), minlength=len(edges) + 1)
              for side in (before, now)]  # fmt: skip
    return float(jensenshannon(*counts, base=2)) ** 2


def _of_text(before: pd.Series, now: pd.Series) -> float:
    shares = [side.value_counts(normalize=True, dropna=False) for side in (before, now)]
    return float(shares[0].subtract(shares[1], fill_value=0).abs().max())


if __name__ == "__main__":
    timed(compute)
