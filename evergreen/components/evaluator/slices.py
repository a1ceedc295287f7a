"""Computes the slices of an evaluation, with their metrics."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from evergreen.evaluation.request import Asked
from evergreen.evaluation.slices import Mask, Value, most_frequent, rare
from evergreen.evaluation.tfma_metrics import Figures, measure
from evergreen.evaluation.verdicts import Predictions

SliceKey = tuple[tuple[str, Value], ...]


def slices(asked: Asked, predictions: Predictions) -> Iterator[tuple[SliceKey, Figures]]:
    """Yields TFMA's key of each slice, and its metrics: of both models, and their differences.

    Args:
        asked: The requested evaluation.
        predictions: Labels and answers of the models; the first value counts for a row's feature.
    """
    if asked.overall:
        yield (), _measured(asked, predictions, np.ones(len(predictions.labels), bool))
    for feature in asked.features:
        encoded = pa.array(predictions.columns[feature]).dictionary_encode()
        places = encoded.indices.fill_null(-1).to_numpy()
        values = encoded.dictionary.drop_null().to_pylist()
        kept = most_frequent(np.bincount(places[places >= 0], minlength=len(values)))
        for place in kept:
            yield ((feature, values[place]),), _measured(asked, predictions, places == place)
        if rarer := len(values) - len(kept):
            rows = (places >= 0) & ~np.isin(places, kept)
            yield ((feature, rare(rarer)),), _measured(asked, predictions, rows)


def _measured(asked: Asked, predictions: Predictions, rows: Mask) -> Figures:
    labels, found = predictions.labels[rows], Figures()
    for metric in asked.metrics:
        ours = measure(metric, asked.candidate, labels, predictions.candidate[rows])
        found |= ours
        if asked.baseline is not None and predictions.baseline is not None:
            theirs = measure(metric, asked.baseline, labels, predictions.baseline[rows])
            found |= theirs
            [(key, value)], [other] = ours.items(), theirs.values()
            found[key.make_diff_key()] = value - other
    return found
