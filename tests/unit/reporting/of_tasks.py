"""Reports of the model gate on a model of classes, and on one of values, of rows that are drawn."""

from typing import Any

import numpy as np

from evergreen.runs.reports.model import Bin
from tests.unit.reporting.reports import Report, verdict

SPECIES = ("Adelie", "Chinstrap", "Gentoo")
ROWS = 3000
Values = np.ndarray


def multiclass_report(classes: tuple[str, ...] = SPECIES) -> Report:
    """A candidate whose probabilities are right, and a baseline that is less sure."""
    chance = np.random.default_rng(0)
    answers = chance.dirichlet(np.linspace(0.3, 1, len(classes)), ROWS)
    drawn = answers.cumsum(axis=1) < chance.random(ROWS)[:, np.newaxis]
    labels = drawn.sum(axis=1).clip(max=len(classes) - 1)
    models = {"candidate": answers, "baseline": 0.7 * answers + 0.3 / len(classes)}
    curves = {
        model: {
            "confusion": _confusion(labels, found, classes),
            "reliability": {
                name: _bins(found[:, at], labels == at) for at, name in enumerate(classes[:9])
            },
        }
        for model, found in models.items()
    }
    recalls = {f"recall/{name}": 0.5 + at / 20 for at, name in enumerate(classes[:3])}
    figures = {"log_loss": 0.61, "accuracy": 0.82, "macro_f1": 0.8, **recalls}
    return _report("multiclass", figures, curves) | {"classes": classes}


def regression_report() -> Report:
    """A candidate with small errors, and a baseline with larger ones that are too large."""
    chance = np.random.default_rng(0)
    labels = chance.gamma(2, 20, ROWS)
    models = {
        "candidate": labels + chance.normal(0, 8, ROWS),
        "baseline": labels + chance.normal(6, 14, ROWS),
    }
    edges, missed = np.linspace(-20, 180, 41), np.linspace(-50, 60, 45)
    curves = {
        model: {
            "calibration": _bins(found, labels),
            "joint": {
                "edges": edges.tolist(),
                "counts": np.histogram2d(labels, found, [edges, edges])[0].astype(int).tolist(),
            },
            "residuals": {
                "edges": missed.tolist(),
                "counts": np.histogram(found - labels, missed)[0].tolist(),
            },
        }
        for model, found in models.items()
    }
    return _report("regression", {"rmse": 8.1, "mae": 6.4, "r2": 0.92}, curves)


def _report(task: str, figures: dict[str, float], curves: dict[str, Any]) -> Report:
    loss, other, *_ = figures
    estimates = {
        name: {"value": figures[name], "low": 0.95 * figures[name], "high": 1.05 * figures[name]}
        for name in (loss, other)
    }
    compared = verdict(
        loss, slice="all rows", margin=0.1, value=figures[loss], baseline=1.1 * figures[loss],
        improvement=0.1 * figures[loss], interval=[0.01, 0.2 * figures[loss]], rows=ROWS,
    )  # fmt: skip
    parts = (("all rows", ROWS), ("island Dream", 1200), ("island Torgersen", 60))
    return {
        "blessed": True,
        "task": task,
        "baseline_version": 1,
        "candidate": figures | {"example_count": ROWS},
        "baseline": {name: 1.1 * value for name, value in figures.items()},
        "unlabelled": 17,
        "verdicts": [verdict(loss, at_most=100.0, value=figures[loss]), compared],
        "slices": [
            {
                "name": name,
                "rows": rows,
                "decides": rows > 100,
                "candidate": estimates,
                "baseline": estimates,
            }
            for name, rows in parts
        ],
        "curves": curves,
    }


def _confusion(labels: Values, answers: Values, classes: tuple[str, ...]) -> dict[str, Any]:
    predicted = answers.argmax(axis=1)
    return {
        name: {
            classes[to]: int(count)
            for to, count in enumerate(np.bincount(predicted[labels == at], minlength=len(classes)))
            if count
        }
        for at, name in enumerate(classes)
    }


def _bins(predicted: Values, observed: Values) -> list[dict[str, Any]]:
    bins = []
    for part in np.array_split(np.argsort(predicted), 10):
        middle = float(observed[part].mean())
        error = 2 * float(observed[part].std()) / np.sqrt(len(part))
        mean = float(predicted[part].mean())
        ends = {"low": middle - error, "high": middle + error}
        bins.append(Bin(predicted=mean, observed=middle, rows=len(part), **ends).model_dump())
    return bins
