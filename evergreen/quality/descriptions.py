"""Describes anomalies: what was expected, and what was found."""

from collections.abc import Callable

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from evergreen.quality.mismatch import MAX_DOMAIN, WORDS, Mismatch, as_text
from evergreen.quality.tallies import Tally

Kind = anomalies_pb2.AnomalyInfo.Type
TYPES = {
    schema_pb2.BYTES: "text",
    schema_pb2.INT: "whole numbers",
    schema_pb2.FLOAT: "decimal numbers",
}


def describe(kind: int, feature: schema_pb2.Feature, tally: Tally) -> str:
    """Describes an anomaly; in TFDV's words if there are no better ones.

    Args:
        kind: The type of the anomaly, of `AnomalyInfo.Type`.
        feature: The feature in the schema.
        tally: The findings.
    """
    found = mismatch(kind, feature, tally)
    if found is None:
        return tally.said
    return found.words(Kind.Name(kind), tally.count, tally.rows, tally.values)


def mismatch(kind: int, feature: schema_pb2.Feature, tally: Tally) -> Mismatch | None:
    """Returns what was expected and what was found; None if only TFDV has words for it.

    Args:
        kind: The type of the anomaly, of `AnomalyInfo.Type`.
        feature: The feature in the schema.
        tally: The findings.
    """
    name = Kind.Name(kind)
    if name not in WORDS or not tally.count:
        return None
    return FACTS[name](feature, tally) if name in FACTS else Mismatch()


def _presence(feature: schema_pb2.Feature, _: Tally) -> Mismatch:
    return Mismatch(bound=feature.presence.min_fraction)


def _least(feature: schema_pb2.Feature, tally: Tally) -> Mismatch:
    return Mismatch(bound=_limits(feature).min, found=tally.smallest)


def _most(feature: schema_pb2.Feature, tally: Tally) -> Mismatch:
    return Mismatch(bound=_limits(feature).max, found=tally.largest)


def _limits(feature: schema_pb2.Feature) -> schema_pb2.IntDomain | schema_pb2.FloatDomain:
    return feature.int_domain if feature.HasField("int_domain") else feature.float_domain


def _type(feature: schema_pb2.Feature) -> str:
    return TYPES.get(feature.type, "any type")


def _domain(feature: schema_pb2.Feature, _: Tally) -> Mismatch:
    known = feature.string_domain.value
    shown = tuple(as_text(value.encode()) for value in known[:MAX_DOMAIN])
    return Mismatch(domain=shown, domain_size=len(known))


FACTS: dict[str, Callable[[schema_pb2.Feature, Tally], Mismatch]] = {
    "SCHEMA_MISSING_COLUMN": lambda feature, _: Mismatch(type=_type(feature)),
    "SCHEMA_NEW_COLUMN": lambda _, tally: Mismatch(found_type=tally.type_name),
    "FEATURE_TYPE_NOT_PRESENT": _presence,
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": _presence,
    "FEATURE_TYPE_LOW_NUMBER_PRESENT": lambda feature, _: Mismatch(
        bound=feature.presence.min_count
    ),
    "FEATURE_TYPE_LOW_NUMBER_VALUES": lambda feature, tally: Mismatch(
        bound=feature.value_count.min, found=tally.smallest
    ),
    "FEATURE_TYPE_HIGH_NUMBER_VALUES": lambda feature, tally: Mismatch(
        bound=feature.value_count.max, found=tally.largest
    ),
    "UNEXPECTED_DATA_TYPE": lambda feature, tally: Mismatch(
        type=_type(feature), found_type=tally.type_name
    ),
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES": _domain,
    "INT_TYPE_SMALL_INT": _least,
    "INT_TYPE_BIG_INT": _most,
    "FLOAT_TYPE_SMALL_FLOAT": _least,
    "FLOAT_TYPE_BIG_FLOAT": _most,
}
"""What a mismatch holds, by kind; the other kinds need nothing but their name."""
