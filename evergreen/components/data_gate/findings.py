"""Findings besides anomalies: refused rows, empty splits, words for a missing value."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from evergreen.components.example_gen.rejects import RefusedValue, RejectedReport
from evergreen.quality.mismatch import MAX_TEXT, MAX_VALUES
from evergreen.quality.tallies import MAX_EXAMPLES, feature_of
from evergreen.runs.reports.data import MISSING_IN_WORDS, ROWS_REFUSED, SPLIT_EMPTY, Finding
from evergreen.texts import shorten

OFTEN = 0.01
"""The share of a column's values from which a text that looks like a missing value is reported."""
WORDS_FOR_MISSING = frozenset(
    {"na", "n/a", "#n/a", "<na>", "null", "(null)", "nil", "none", "nan", "nat", "missing"}
    | {"-", "--", "---", "?", "\\n"}
)
"""In lower case. `unknown` is often a category of its own."""


def from_rejections(refused: RejectedReport, rows: int, share: float = 0.0) -> list[Finding]:
    """Turns the rows that ingestion refused into findings, one for each column and reason.

    Args:
        refused: ExampleGen's report.
        rows: All rows of the span.
        share: The share of rows that may be refused without refusing the span.
    """
    refuses = refused["rows"] > share * rows
    return [
        Finding(
            feature=reason["column"],
            kind=ROWS_REFUSED,
            reason=reason["reason"],
            count=reason["count"],
            rows=rows,
            refuses=refuses,
            values=_values(reason["examples"]),
            examples=[_example(value) for value in reason["examples"][:MAX_EXAMPLES]],
        )
        for reason in refused["reasons"]
    ]


def empty_splits(rows: Mapping[str, int]) -> list[Finding]:
    """Returns a finding for each split without rows, which TFDV does not report.

    Args:
        rows: Rows by split.
    """
    return [
        Finding(
            feature="",
            kind=SPLIT_EMPTY,
            splits=(split,),
            rows=sum(rows.values()),
        )
        for split, count in rows.items()
        if count == 0
    ]


def suspected_missing(
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatistics], schema: schema_pb2.Schema
) -> list[Finding]:
    """Returns a finding for each frequent text that looks like a missing value.

    It refuses nothing: `NA` may be Namibia. Without it, the text would silently become a word of
    the vocabulary. A domain that lists the text declares that it is meant.

    Args:
        statistics: The statistics of the span's features, by split.
        schema: The schema.
    """
    found: dict[str, Counter[str]] = {}
    for dataset in statistics.values():
        for feature in dataset.features:
            found.setdefault(".".join(feature.path.step), Counter()).update(_counts(feature))
    return [
        _suspected(name, text, of_text[text], of_text.total())
        for name, of_text in found.items()
        for text in of_text
        if text.strip().lower() in WORDS_FOR_MISSING
        and text not in feature_of(schema, name).string_domain.value
        and of_text[text] >= OFTEN * of_text.total()
    ]


def _counts(feature: statistics_pb2.FeatureNameStatistics) -> dict[str, float]:
    buckets = feature.string_stats.rank_histogram.buckets
    return {bucket.label: bucket.sample_count for bucket in buckets}


def _suspected(name: str, text: str, count: int, total: int) -> Finding:
    return Finding(
        feature=name,
        kind=MISSING_IN_WORDS,
        count=count,
        rows=total,
        values=[text],
        refuses=False,
    )


def _values(examples: Sequence[RefusedValue]) -> list[str]:
    texts = dict.fromkeys(shorten(str(example["value"]), MAX_TEXT) for example in examples)
    return list(texts)[:MAX_VALUES]


def _example(refused: RefusedValue) -> dict[str, str]:
    value = shorten(str(refused["value"]), MAX_TEXT)
    return {"file": refused["file"], "row": str(refused["row"]), "value": value}
