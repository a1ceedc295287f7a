"""What a trivial model and gradient boosting reach on the same rows, and bounds between them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evergreen.scaffold.label import BINARY, MULTICLASS, REGRESSION, LabelChoice
from evergreen.scaffold.profile import Column, Kind
from evergreen.scaffold.proposals import Proposal

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats], float]
TRAIN_ROWS, TEST_ROWS = 50_000, 10_000
TEST = 0.25
CATEGORIES = 250
"""The most values of a category that scikit-learn's trees take."""
WAY = 0.75
"""The share of the way from the trivial model to boosted trees that a candidate must have gone."""
WAYS = {"rmse": 0.5, "mae": 0.5, "r2": 0.5}
"""The same of numbers, where networks are farther from trees."""
TAIL = 30
"""A label that is so many interquartile ranges from the median has a heavy tail: a few rows decide
the RMSE and R2 of a split."""
ERRORS = 3
"""Standard errors by which the bound is below the boosted trees at least."""
RARE = 20
TEST_SPLIT = 0.2
RESAMPLES = 50
HIGHER = {"auc", "accuracy", "r2"}
EPSILON = 1e-7
HARDLY = 0.02
"""A smaller share of the trivial loss that boosted trees save is hardly anything."""


@dataclass(frozen=True)
class Reached:
    """What both models reach in a metric.

    Attributes:
        metric: Its name, as in the settings.
        trivial: The model that always answers the same.
        boosted: scikit-learn's HistGradientBoosting with default settings.
        error: The standard error of the latter on as many rows as the test split has.
    """

    metric: str
    trivial: float
    boosted: float
    error: float

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger value is better."""
        return self.metric in HIGHER

    @property
    def bound(self) -> float:
        """What a candidate must reach, with three significant digits, rounded to its favour."""
        sign = 1 if self.higher_is_better else -1
        way = self.trivial + WAYS.get(self.metric, WAY) * (self.boosted - self.trivial)
        chance = self.boosted - sign * ERRORS * self.error
        worse = min(way, chance) if self.higher_is_better else max(way, chance)
        unit = 10.0 ** (math.floor(math.log10(max(abs(worse), 1e-9))) - 2)
        steps = math.floor(worse / unit) if self.higher_is_better else math.ceil(worse / unit)
        return float(f"{steps * unit:.6g}")

    @property
    def margin(self) -> float:
        """By how much a candidate may be worse than the serving model: about chance."""
        margin = max(0.025 * abs(self.boosted), self.error)
        return float(f"{margin:.1g}") or EPSILON


def baselines(
    proposals: Sequence[Proposal], label: LabelChoice, seed: int = 0
) -> dict[str, Reached]:
    """Measures a trivial model and gradient boosting on the same rows.

    Args:
        proposals: The columns; the features among them are used.
        label: The label.
        seed: The seed of the sample.

    Returns:
        By metric, the one that training minimizes first.
    """
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(label.known))
    test = rows[: min(int(TEST * len(rows)), TEST_ROWS)]
    train = rows[len(test) : len(test) + TRAIN_ROWS]
    columns = [item.column for item in proposals if item.is_feature]
    answers = _boosted(columns, label, train, test)
    trivial = _trivial(label, train, test)
    truth = label.values[test]
    drawn = np.random.default_rng(seed).integers(0, len(test), (RESAMPLES, len(test)))
    smaller = math.sqrt(len(test) / max(TEST_SPLIT * len(rows), 2))
    return {
        name: Reached(
            name,
            metric(truth, trivial),
            metric(truth, answers),
            smaller * float(np.std([metric(truth[at], answers[at]) for at in drawn])),
        )
        for name, metric in METRICS[label.task].items()
        if name == "mae" or not has_heavy_tail(label)
    }


def has_heavy_tail(label: LabelChoice) -> bool:
    """Returns whether a few values of a number are very far from the others."""
    if label.task != REGRESSION:
        return False
    known = label.values[label.known]
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    return bool(np.abs(known - middle).max() > TAIL * max(high - low, EPSILON))


def is_hardly_better(reached: Mapping[str, Reached]) -> bool:
    """Returns whether boosted trees learn next to nothing from the columns."""
    loss = next(iter(reached.values()))
    return loss.boosted > (1 - HARDLY) * loss.trivial


def _trivial(label: LabelChoice, train: NDArray[np.intp], test: NDArray[np.intp]) -> Floats:
    labels = label.values[train]
    if label.task == MULTICLASS:
        shares = np.bincount(labels.astype(int), minlength=len(label.classes)) / len(labels)
        return np.tile(shares, (len(test), 1))
    return np.full(len(test), labels.mean())


def _boosted(
    columns: Sequence[Column], label: LabelChoice, train: NDArray[np.intp], test: NDArray[np.intp]
) -> Floats:
    """Returns the answers of gradient boosting for the test rows.

    In one thread: scikit-learn's threads wait for each other, for minutes where cores are busy.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return _fit(columns, label, train, test)


def _fit(
    columns: Sequence[Column], label: LabelChoice, train: NDArray[np.intp], test: NDArray[np.intp]
) -> Floats:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    matrix = np.column_stack([_numbers(column) for column in columns])
    categories = [column.kind is Kind.TEXT for column in columns]
    if label.task == REGRESSION:
        trees = HistGradientBoostingRegressor(categorical_features=categories, random_state=0)
        trees.fit(matrix[train], label.values[train])
        return np.asarray(trees.predict(matrix[test]))
    labels = label.values[train].astype(int)
    _, members = np.unique(labels, return_counts=True)
    # With early stopping, scikit-learn refuses classes that it cannot divide.
    stops: bool | str = "auto" if members.min() >= RARE else False
    trees = HistGradientBoostingClassifier(
        categorical_features=categories, early_stopping=stops, random_state=0
    )
    trees.fit(matrix[train], labels)
    found = trees.predict_proba(matrix[test])
    answers = np.zeros((len(test), max(len(label.classes), 2)))
    answers[:, trees.classes_] = found
    return answers[:, 1] if label.task == BINARY else answers


def _numbers(column: Column) -> Floats:
    """Returns a number for each row: the rank of a text's frequency, NaN where it is missing."""
    if column.kind is not Kind.TEXT:
        return column.array.astype(np.float64)
    common = {text: float(at) for at, (text, _) in enumerate(column.counts.most_common(CATEGORIES))}
    found = [np.nan if text is None else common.get(text, CATEGORIES) for text in column.array]
    return np.array(found)


def _log_loss(truth: Floats, answers: Floats) -> float:
    if answers.ndim == 1:
        answers = np.column_stack([1 - answers, answers])
    right = answers[np.arange(len(truth)), truth.astype(int)]
    return float(-np.log(np.clip(right, EPSILON, 1)).mean())


def _auc(truth: Floats, answers: Floats) -> float:
    from scipy.stats import rankdata

    positives = truth.sum()
    negatives = len(truth) - positives
    if not positives or not negatives:
        return 0.5
    ranks = rankdata(answers)[truth == 1].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def _accuracy(truth: Floats, answers: Floats) -> float:
    return float((answers.argmax(axis=1) == truth).mean())


def _rmse(truth: Floats, answers: Floats) -> float:
    return float(np.sqrt(((truth - answers) ** 2).mean()))


def _mae(truth: Floats, answers: Floats) -> float:
    return float(np.abs(truth - answers).mean())


def _r2(truth: Floats, answers: Floats) -> float:
    return float(1 - ((truth - answers) ** 2).mean() / max(truth.var(), EPSILON))


METRICS: Mapping[str, Mapping[str, Metric]] = {
    BINARY: {"log_loss": _log_loss, "auc": _auc},
    MULTICLASS: {"log_loss": _log_loss, "accuracy": _accuracy},
    REGRESSION: {"rmse": _rmse, "mae": _mae, "r2": _r2},
}
