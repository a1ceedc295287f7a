"""Describes anomalies: what was expected, and what was found."""

from collections.abc import Callable

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from evergreen.quality.tallies import MAX_VALUES, Tally, as_text

Kind = anomalies_pb2.AnomalyInfo
MAX_DOMAIN = 10
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
    if kind not in _WORDS or not tally.count:
        return tally.said
    expected, found = _WORDS[kind](feature, tally)
    return f"expected {expected}; found {found}"


def percent(share: float) -> str:
    """Returns a share as percentage with six digits, so that a few rows of many still show."""
    return f"{100 * share:.6g} %"


def _type(feature: schema_pb2.Feature) -> str:
    return TYPES.get(feature.type, "any type")


def _wanted(feature: schema_pb2.Feature) -> str:
    least = feature.presence.min_fraction
    where = "every row" if least == 1 else f"at least {percent(least)} of the rows"
    return f"a value in {where}"


def _present(tally: Tally) -> str:
    present = tally.rows - tally.count
    return f"one in {_many(present, 'row')} ({percent(present / tally.rows)})"


def _domain(feature: schema_pb2.Feature) -> str:
    known = [as_text(value.encode()) for value in feature.string_domain.value]
    more = f", ... ({len(known)} values)" if len(known) > MAX_DOMAIN else ""
    return f"one of {', '.join(known[:MAX_DOMAIN])}{more}"


def _others(tally: Tally) -> str:
    many = len(tally.values) == MAX_VALUES
    return f"{'at least ' if many else ''}{_many(len(tally.values), 'other value')}"


def _many(number: float, noun: str) -> str:
    return f"{as_text(number)} {noun}{'' if number == 1 else 's'}"


def _least(feature: schema_pb2.Feature, tally: Tally) -> tuple[str, str]:
    limits = feature.int_domain if feature.HasField("int_domain") else feature.float_domain
    return f"at least {as_text(limits.min)}", f"down to {as_text(tally.smallest)}"


def _most(feature: schema_pb2.Feature, tally: Tally) -> tuple[str, str]:
    limits = feature.int_domain if feature.HasField("int_domain") else feature.float_domain
    return f"at most {as_text(limits.max)}", f"up to {as_text(tally.largest)}"


_WORDS: dict[int, Callable[[schema_pb2.Feature, Tally], tuple[str, str]]] = {
    Kind.SCHEMA_MISSING_COLUMN: lambda feature, _: (f"a column of {_type(feature)}", "none"),
    Kind.SCHEMA_NEW_COLUMN: lambda _, tally: ("no such column", f"one with {tally.type_name}"),
    Kind.FEATURE_TYPE_NOT_PRESENT: lambda feature, _: (_wanted(feature), "none"),
    Kind.FEATURE_TYPE_LOW_FRACTION_PRESENT: lambda feature, tally: (
        _wanted(feature),
        _present(tally),
    ),
    Kind.FEATURE_TYPE_LOW_NUMBER_PRESENT: lambda feature, tally: (
        f"a value in at least {_many(feature.presence.min_count, 'row')}",
        _present(tally),
    ),
    Kind.FEATURE_TYPE_LOW_NUMBER_VALUES: lambda feature, tally: (
        f"at least {_many(feature.value_count.min, 'value')} a row",
        f"as few as {as_text(tally.smallest)}",
    ),
    Kind.FEATURE_TYPE_HIGH_NUMBER_VALUES: lambda feature, tally: (
        f"at most {_many(feature.value_count.max, 'value')} a row",
        f"up to {as_text(tally.largest)}",
    ),
    Kind.UNEXPECTED_DATA_TYPE: lambda feature, tally: (_type(feature), tally.type_name),
    Kind.ENUM_TYPE_UNEXPECTED_STRING_VALUES: lambda feature, tally: (
        _domain(feature),
        _others(tally),
    ),
    Kind.ENUM_TYPE_INVALID_UTF8: lambda *_: ("text in UTF-8", "other bytes"),
    Kind.INT_TYPE_SMALL_INT: _least,
    Kind.INT_TYPE_BIG_INT: _most,
    Kind.INT_TYPE_NOT_INT_STRING: lambda *_: ("whole numbers", "text that is none"),
    Kind.FLOAT_TYPE_SMALL_FLOAT: _least,
    Kind.FLOAT_TYPE_BIG_FLOAT: _most,
    Kind.FLOAT_TYPE_STRING_NOT_FLOAT: lambda *_: ("numbers", "text that is none"),
    Kind.FLOAT_TYPE_HAS_NAN: lambda *_: ("numbers", "NaN"),
    Kind.FLOAT_TYPE_HAS_INF: lambda *_: ("finite numbers", "infinite ones"),
}
