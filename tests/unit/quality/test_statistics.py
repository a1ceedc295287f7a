"""TFDV's statistics of features have a common form."""

import numpy as np
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from evergreen.quality.statistics import Feature, features
from tests.unit.reporting.reports import Kind, add_number, statistics


def number(
    buckets: list[tuple[float, float, float]],
    quantiles: list[tuple[float, float, float]] = (),
    kind: int = Kind.FLOAT,
) -> Feature:
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=100)
    add_number(dataset, "n", 100, buckets, quantiles, kind)
    return features(dataset)["n"]


def shares(feature: Feature, *, whole: bool = True) -> dict[tuple[float, float], float]:
    """The share of the rows between two edges."""
    drawn = feature.histogram(whole)
    assert drawn is not None
    found = drawn.density * np.diff(drawn.edges)
    return {
        (low, high): pytest.approx(share)
        for low, high, share in zip(drawn.edges, drawn.edges[1:], found, strict=False)
    }


def test_a_histogram_of_floats_is_the_buckets() -> None:
    assert shares(number([(0, 2.5, 60), (2.5, 5, 40)])) == {(0, 2.5): 0.6, (2.5, 5): 0.4}


def test_a_histogram_of_integers_has_its_edges_between_them() -> None:
    """TFDV cuts 1 to 4 into equal widths, of which some hold no integer."""
    buckets = [(1, 1.6, 20), (1.6, 2.2, 30), (2.2, 2.8, 1), (2.8, 3.4, 9), (3.4, 4, 40)]
    assert shares(number(buckets, kind=Kind.INT)) == {
        (0.5, 1.5): 0.2,
        (1.5, 2.5): 0.31,
        (2.5, 3.5): 0.09,
        (3.5, 4.5): 0.4,
    }


def test_one_value_only_is_drawn_with_a_width() -> None:
    [(low, high)] = shares(number([(7, 7, 100)]))
    assert low < 7 < high


def test_what_is_not_finite_is_not_drawn() -> None:
    assert shares(number([(float("-inf"), 0, 9), (0, 1, 91)])) == {(0, 1): 1.0}
    assert number([(float("nan"), float("nan"), 100)]).histogram(whole=True) is None


def test_few_large_values_do_not_squeeze_all_others() -> None:
    buckets = [(0, 100, 99), (100, 1000, 1)]
    quantiles = [(float(low), float(low + 1), 10) for low in range(9)] + [(9, 1000, 10)]
    feature = number(buckets, quantiles)
    assert feature.has_tail
    drawn = shares(feature, whole=False)
    assert max(high for _, high in drawn) == pytest.approx(9)
    assert sum(share.expected for share in drawn.values()) == pytest.approx(0.9)


def test_a_value_that_many_rows_have_is_counted_in_full() -> None:
    quantiles = [(0, 0, 40), (0, 0, 40), (0, 12, 10), (12, 100, 10)]
    drawn = shares(number([(0, 50, 99), (50, 100, 1)], quantiles), whole=False)
    assert drawn[0, 1].expected > 0.8


def test_texts_have_shares_and_missing_rows() -> None:
    found = features(statistics("fare").datasets[0])
    assert list(found) == ["fare", "never_there", "payment_type"]
    assert found["payment_type"].top(1) == {"Cash": pytest.approx(0.6)}
    assert found["never_there"].missing == 1
    assert found["never_there"].histogram(whole=True) is None


def test_a_text_that_differs_in_every_row_is_an_identifier() -> None:
    dataset = statistics("fare").datasets[0]
    dataset.features[1].string_stats.unique = dataset.num_examples
    assert features(dataset)["payment_type"].is_identifier
