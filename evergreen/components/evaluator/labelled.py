"""Leaves out rows without a label when TFMA works row by row, since it refuses them."""

from collections.abc import Mapping
from typing import Any

import apache_beam as beam
import numpy as np


def custom_extractors(eval_config: Any, **others: Any) -> list[Any]:
    """Returns TFMA's extractors and one that leaves the rows out; called by TFX's Evaluator.

    It comes before the last one, that of slices, after which TFMA 0.52 starts to evaluate.

    Args:
        eval_config: The configuration of the evaluation.
        others: What else TFMA's extractors are made from.
    """
    import tensorflow_model_analysis as tfma

    *extractors, slicing = tfma.default_extractors(eval_config=eval_config, **others)
    return [*extractors, tfma.extractors.Extractor("Labelled", beam.Filter(is_labelled)), slicing]


def is_labelled(extracts: Mapping[str, object]) -> bool:
    """Returns whether a row has a label that is a number; of several models, for each."""
    labels = extracts["labels"]
    values = list(labels.values()) if isinstance(labels, Mapping) else [labels]
    return not any(np.isnan(np.asarray(value, np.float64)).any() for value in values)
