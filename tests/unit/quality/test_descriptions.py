"""What is said of an anomaly names what was expected and what was found."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from evergreen.quality.descriptions import describe
from evergreen.quality.tallies import Tally

Kind = anomalies_pb2.AnomalyInfo
TWO_OF_TEN = {"count": 2, "rows": 10}


@pytest.mark.parametrize(
    ("kind", "feature", "found", "words"),
    [
        (Kind.SCHEMA_MISSING_COLUMN, "type: INT", {}, "a column of whole numbers; found none"),
        (
            Kind.SCHEMA_NEW_COLUMN,
            "",
            {"type_name": "text"},
            "no such column; found one with text",
        ),
        (
            Kind.FEATURE_TYPE_LOW_FRACTION_PRESENT,
            "presence { min_fraction: 1 }",
            {},
            "a value in every row; found one in 8 rows (80 %)",
        ),
        (
            Kind.FEATURE_TYPE_LOW_FRACTION_PRESENT,
            "presence { min_fraction: 0.95 }",
            {"count": 9},
            "a value in at least 95 % of the rows; found one in 1 row (10 %)",
        ),
        (
            Kind.FEATURE_TYPE_HIGH_NUMBER_VALUES,
            "value_count { max: 1 }",
            {"largest": 3},
            "at most 1 value a row; found up to 3",
        ),
        (
            Kind.ENUM_TYPE_UNEXPECTED_STRING_VALUES,
            'string_domain { value: "Cash" value: "Card" }',
            {"values": ["Coin"]},
            "one of Cash, Card; found 1 other value",
        ),
        (
            Kind.ENUM_TYPE_UNEXPECTED_STRING_VALUES,
            "string_domain {" + "".join(f' value: "{at}"' for at in range(12)) + "}",
            {"values": list("abcde")},
            "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... (12 values); found at least 5 other values",
        ),
        (
            Kind.INT_TYPE_BIG_INT,
            "int_domain { max: 23 }",
            {"largest": 9_007_199_254_740_993},
            "at most 23; found up to 9007199254740993",
        ),
        (
            Kind.FLOAT_TYPE_SMALL_FLOAT,
            "float_domain { min: 0.1 }",
            {"smallest": -5.5},
            "at least 0.1; found down to -5.5",
        ),
        (Kind.FLOAT_TYPE_HAS_NAN, "", {}, "numbers; found NaN"),
    ],
)
def test_expected_and_found(kind: int, feature: str, found: dict, words: str) -> None:
    expected = text_format.Parse(feature, schema_pb2.Feature())
    assert describe(kind, expected, Tally(**TWO_OF_TEN | found)) == f"expected {words}"


@pytest.mark.parametrize(
    ("kind", "count"), [(Kind.DATASET_LOW_NUM_EXAMPLES, 2), (Kind.FLOAT_TYPE_HAS_NAN, 0)]
)
def test_without_words_or_rows_it_is_what_tfdv_says(kind: int, count: int) -> None:
    said = describe(kind, schema_pb2.Feature(), Tally(said="as TFDV has it", count=count, rows=10))
    assert said == "as TFDV has it"
