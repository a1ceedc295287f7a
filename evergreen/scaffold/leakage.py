"""Finds columns that tell the label by themselves, or that are known only after it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from evergreen.scaffold.label import BINARY, REGRESSION, LabelChoice
from evergreen.scaffold.profile import Column, Kind

ROWS, FEWER_ROWS, MANY_COLUMNS = 20_000, 4_000, 200
LEAVES = 64
TELLS = 0.99
"""From this AUC, balanced accuracy or R2 on, a single column tells the label."""
TOGETHER = 0.9
"""The share of rows that column and label lack together, of those that one of them lacks."""
LEAST_MISSING = 10


def suspects(columns: Iterable[Column], label: LabelChoice, seed: int = 0) -> dict[str, str]:
    """Returns why columns are suspected, by name.

    Args:
        columns: The columns that could be features.
        label: The label.
        seed: The seed of the sample.
    """
    candidates = list(columns)
    most = ROWS if len(candidates) <= MANY_COLUMNS else FEWER_ROWS
    rows = np.flatnonzero(label.known)
    rows = np.random.default_rng(seed).permutation(rows)[:most]
    found = {}
    for column in candidates:
        if _is_missing_together(column, label):
            found[column.name] = "missing in the same rows as the label: known only afterwards"
        elif column.kind not in {Kind.EMPTY, Kind.OTHER}:
            score = _score(encoded(column, label.values, rows), label, rows)
            if score >= TELLS:
                found[column.name] = f"tells the label by itself ({_measure(label)} {score:.3f})"
    return found


def encoded(
    column: Column, labels: NDArray[np.float64], rows: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Returns numbers for the values of some rows; text by the mean label in the first half."""
    values = column.array[rows]
    if column.kind is not Kind.TEXT:
        return np.nan_to_num(values.astype(np.float64), nan=column.range[0] - 1)
    half = len(rows) // 2
    names, codes = np.unique(values.astype(str), return_inverse=True)
    sums = np.bincount(codes[:half], labels[rows[:half]], len(names))
    counts = np.bincount(codes[:half], minlength=len(names))
    means = np.divide(sums, counts, out=np.full(len(names), labels[rows].mean()), where=counts > 0)
    return means[codes]


def _is_missing_together(column: Column, label: LabelChoice) -> bool:
    lacks, unknown = column.values.is_null().to_numpy(False), ~label.known
    both, either = int((lacks & unknown).sum()), int((lacks | unknown).sum())
    return both >= LEAST_MISSING and both >= TOGETHER * either


def _score(values: NDArray[np.float64], label: LabelChoice, rows: NDArray[np.intp]) -> float:
    """Returns how well a small tree on one column does on the second half of the rows."""
    from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    half, labels, column = len(rows) // 2, label.values[rows], values[:, np.newaxis]
    kind = DecisionTreeRegressor if label.task == REGRESSION else DecisionTreeClassifier
    tree = kind(max_leaf_nodes=LEAVES, min_samples_leaf=3, random_state=0)
    tree.fit(column[:half], labels[:half])
    truth, later = labels[half:], column[half:]
    if label.task == REGRESSION:
        return float(r2_score(truth, tree.predict(later)))
    if label.task != BINARY:
        return float(balanced_accuracy_score(truth, tree.predict(later)))
    if min(len(tree.classes_), len(np.unique(truth))) == 1:
        return 0.0
    return float(roc_auc_score(truth, tree.predict_proba(later)[:, 1]))


def _measure(label: LabelChoice) -> str:
    measures = {BINARY: "AUC", REGRESSION: "R2"}
    return measures.get(label.task, "balanced accuracy")
