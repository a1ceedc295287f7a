"""Any metric of TensorFlow Model Analysis by its name, with a confidence interval.

The interval is a delete-a-group jackknife (Kott, "The Delete-a-Group Jackknife", Journal of
Official Statistics, 2001), like TFMA's own: the rows are dealt into GROUPS at random, the metric is
computed once on all rows and once without each group, and with d the deviations of the latter from
their mean, the standard error is sqrt((GROUPS - 1) / GROUPS * sum(d ** 2)). Rows in one bin of a
histogram are equal, so a hypergeometric draw deals them. All of this is one run of TFMA, in which
the rows without a group are a slice, and a bin is a row with its count as weight.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from evergreen.errors import EvergreenError
from evergreen.evaluation.metrics import CENTERS, Counts
from evergreen.settings.monitoring import TFMA, MetricRule

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
GROUPS = 20
"""TFMA's default, which says that more groups hardly tighten the interval."""
LABEL, PREDICTION, WEIGHT, TAKEN = "label", "prediction", "weight", "taken"


def taken(
    counts: Mapping[str, Counts], rules: Sequence[MetricRule], seed: int = 0
) -> dict[tuple[str, str], Floats]:
    """Computes metrics of TFMA.

    Args:
        counts: Rows by label and bin of the score, for each slice of the traffic.
        rules: Rules whose metrics start with `tfma.`.
        seed: The seed of the dealing.

    Returns:
        For a slice and a rule's `title`: the metric of all its rows, then without each group, of
        shape [1 + GROUPS]; NaN where it is not defined.

    Raises:
        EvergreenError: If TFMA has no such metric, refuses its settings, or gives no single number.
    """
    import tensorflow_model_analysis

    if not counts or not rules:
        return {}
    parts = list(counts)
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = tensorflow_model_analysis.analyze_raw_data(
                _rows(list(counts.values()), seed), _config(rules), output_path=folder
            )
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise _refused(rules, str(error).strip().splitlines()[-1]) from error
    found = {(part, rule.title): np.full(1 + GROUPS, np.nan) for part in parts for rule in rules}
    for [(_, place)], outputs in result.slicing_metrics:
        part, group = divmod(int(place), 1 + GROUPS)
        for rule in rules:
            found[parts[part], rule.title][group] = _number(outputs, rule)
    return found


def interval(values: Floats, level: float) -> tuple[float, float]:
    """Returns the confidence interval for a result of `taken`, of shape [1 + GROUPS]."""
    value, without = values[0], values[1:]
    error = np.sqrt((GROUPS - 1) / GROUPS * np.sum((without - without.mean()) ** 2))
    reach = float(t.ppf((1 + level) / 2, GROUPS - 1) * error)
    return float(value) - reach, float(value) + reach


def _rows(counts: Sequence[Counts], seed: int) -> "pd.DataFrame":
    import pandas as pd

    chance = np.random.default_rng(seed)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    LABEL: labels.astype(np.float64),
                    PREDICTION: CENTERS[bins],
                    WEIGHT: kept[labels, bins].astype(np.float64),
                    TAKEN: part * (1 + GROUPS) + group,
                }
            )
            for part, table in enumerate(counts)
            for group, kept in enumerate(_without_groups(table, chance))
            for labels, bins in [np.nonzero(kept)]
        ],
        ignore_index=True,
    )


def _without_groups(counts: Counts, chance: np.random.Generator) -> Iterator[Counts]:
    """Yields all rows, then those outside of each group; group sizes differ by at most 1."""
    yield counts
    cells, rows = counts.ravel(), int(counts.sum())
    left = cells.copy()
    for group in range(GROUPS):
        size = (rows + group) // GROUPS
        drawn = chance.multivariate_hypergeometric(left, size, method="marginals")
        left -= drawn
        yield (cells - drawn).reshape(counts.shape)


def _config(rules: Sequence[MetricRule]) -> Any:
    from tensorflow_model_analysis.proto import config_pb2

    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                label_key=LABEL, prediction_key=PREDICTION, example_weight_key=WEIGHT
            )
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[
                    config_pb2.MetricConfig(
                        class_name=rule.metric.removeprefix(TFMA),
                        config=json.dumps({**rule.config, "name": rule.title}),
                    )
                    for rule in rules
                ]
            )
        ],
        slicing_specs=[config_pb2.SlicingSpec(feature_keys=[TAKEN])],
    )


def _number(outputs: Mapping[str, Any] | None, rule: MetricRule) -> float:
    found: Any = outputs
    for key in ("", "", rule.title):  # an output's name, a sub key's, the metric's
        found = (found or {}).get(key)
    if "doubleValue" not in (found or {}):
        raise _refused([rule], "it gives no single number")
    return float(found["doubleValue"])


def _refused(rules: Sequence[MetricRule], reason: str) -> EvergreenError:
    return EvergreenError(
        f"performance: {', '.join(rule.title for rule in rules)}: {reason}",
        hint="monitoring.performance.metrics takes names of classes in tensorflow_model_analysis"
        f".metrics that give one number, such as {TFMA}AUCPrecisionRecall.",
    )
