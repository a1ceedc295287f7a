"""Holds a curated schema against all spans: what does not fit, and a schema that would."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2

from evergreen.errors import DataError
from evergreen.quality.schema import load_curated
from evergreen.scaffold.profile import Column, Kind, profile
from evergreen.scaffold.schema import Rule, drift, least_present, schema_text
from evergreen.settings import Settings
from evergreen.spans import Span, list_spans
from evergreen.spans.delivery import read_delivery
from evergreen.texts import percent, shorten

WHOLE = {Kind.WHOLE, Kind.TRUTH, Kind.MOMENT}
FITS = {
    schema_pb2.INT: WHOLE | {Kind.EMPTY},
    schema_pb2.FLOAT: WHOLE | {Kind.NUMBER, Kind.EMPTY},
    schema_pb2.BYTES: set(Kind) - {Kind.OTHER},
}
"""What may be in a column of each type."""
SHOWN, LONGEST = 5, 40


@dataclass(frozen=True)
class Difference:
    """Something in which schema and spans differ.

    Attributes:
        column: The column.
        expected: What the schema says.
        found: What the spans hold.
    """

    column: str
    expected: str
    found: str


@dataclass(frozen=True)
class Revision:
    """A schema held against all spans.

    Attributes:
        spans: The spans.
        differences: In what both differ.
        text: A schema that fits the spans, with room.
    """

    spans: Sequence[Span]
    differences: Sequence[Difference]
    text: str


def revise(settings: Settings) -> Revision:
    """Reads all spans, and compares them with the curated schema.

    Raises:
        DataError: If there are no spans, or their columns have types that do not go together.
        SettingsError: If the schema cannot be read.
    """
    data = settings.data
    spans = list_spans(data.span_root)
    if not spans:
        raise DataError(
            f"{data.span_root}: there are no spans.",
            hint="Cut the data into spans (evergreen data prepare), or name a file.",
        )
    tables = [read_delivery(file)[0] for span in spans for file in span.files]
    periods = np.split(
        np.arange(sum(table.num_rows for table in tables)),
        np.cumsum([table.num_rows for table in tables])[:-1],
    )
    try:
        rows = pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"{data.span_root}: the spans' columns do not go together: {error}",
            hint="Land all spans in one format.",
        ) from error
    known = _features(load_curated(data.table_schema))
    columns = [column for column in profile(rows).columns.values() if column.name != data.key]
    rules = [_rule(column, known.get(column.name), periods) for column in columns]
    differences = list(_differences(known, rules, data.key))
    times = [f"{s.manifest.time_range.start:%Y-%m-%d}" for s in spans if s.manifest.time_range]
    return Revision(spans, differences, schema_text(settings.use_case, data.key, rules, times))


def _features(schema: schema_pb2.Schema) -> dict[str, Any]:
    """Returns the features by name; domains with names of their own are in them."""
    domains = {domain.name: domain for domain in schema.string_domain}
    for feature in schema.feature:
        if feature.HasField("domain"):
            feature.string_domain.CopyFrom(domains[feature.domain])
    return {feature.name: feature for feature in schema.feature}


def _rule(column: Column, feature: Any, periods: Sequence[Any]) -> Rule:
    is_served = feature is None or "SERVING" not in feature.not_in_environment
    is_judged = is_served or feature.HasField("drift_comparator") or _has_domain(feature)
    is_time = column.kind is Kind.MOMENT
    least = least_present(column, periods)
    moved = drift(column, periods) if is_judged and not is_time else None
    present = f"{column.kind.value}, {percent(1 - column.missing)} present"
    return Rule(column, is_served, is_judged, present, least, (), moved)


def _has_domain(feature: Any) -> bool:
    return any(feature.HasField(name) for name in ("int_domain", "float_domain", "string_domain"))


def _differences(known: dict[str, Any], rules: Sequence[Rule], key: str) -> Iterator[Difference]:
    found = {rule.column.name: rule for rule in rules}
    for name in known:
        if name not in found and name != key:
            yield Difference(name, "a column", "none in any span")
    for name, rule in found.items():
        if name not in known:
            yield Difference(name, "no such column", rule.comment)
        else:
            for expected, held in _of_column(known[name], rule):
                yield Difference(name, expected, held)


def _of_column(feature: Any, rule: Rule) -> Iterator[tuple[str, str]]:
    column = rule.column
    if column.kind not in FITS[feature.type]:
        yield schema_pb2.FeatureType.Name(feature.type), column.kind.value
        return
    if 1 - column.missing < feature.presence.min_fraction:
        wanted = f"a value in at least {percent(feature.presence.min_fraction)} of the rows"
        yield wanted, percent(1 - column.missing)
    yield from _out_of_range(feature, column)
    if feature.HasField("string_domain") and column.kind is Kind.TEXT:
        others = [text for text in column.counts if text not in set(feature.string_domain.value)]
        share = sum(column.counts[text] for text in others) / max(column.present, 1)
        if share > 1 - (feature.distribution_constraints.min_domain_mass or 1.0):
            listed = ", ".join(shorten(text, LONGEST) for text in others[:SHOWN])
            yield f"one of {len(feature.string_domain.value)} texts", f"also {listed}"
    comparator = feature.drift_comparator
    limit = max(comparator.infinity_norm.threshold, comparator.jensen_shannon_divergence.threshold)
    if rule.drift and limit and rule.drift[0] > limit:
        yield f"a distance of at most {limit:g} between periods", f"{rule.drift[0]:.3f}"


def _out_of_range(feature: Any, column: Column) -> Iterator[tuple[str, str]]:
    field = "int_domain" if feature.HasField("int_domain") else "float_domain"
    if not feature.HasField(field) or not (column.is_number or column.kind is Kind.MOMENT):
        return
    domain, (low, high) = getattr(feature, field), column.range
    if domain.HasField("min") and low < domain.min:
        yield f"at least {domain.min:g}", f"down to {low:g}"
    if domain.HasField("max") and high > domain.max:
        yield f"at most {domain.max:g}", f"up to {high:g}"
