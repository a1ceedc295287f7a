"""Curates a schema over all periods of a table: types, presence, domains, limits of drift."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from google.protobuf import text_encoding
from numpy.typing import NDArray

from evergreen.evaluation.distances import distances
from evergreen.quality.samples import of_numbers, of_text
from evergreen.scaffold.code import prose
from evergreen.scaffold.profile import Column, Kind

HEADER = """\
# proto-file: tensorflow_metadata/proto/v0/schema.proto
# proto-message: Schema
#
# {title}: what a row must be; the data gate refuses a span that does not fit.
# Made from {rows:,} rows{periods}, by `evergreen new`; it is yours to correct: docs/data.md.
#
# Presence has room for chance in small spans, domains for values not seen yet. Drift, a span
# against the one before, is recorded and refuses nothing: it is a reason to train.

default_environment: "TRAINING"
default_environment: "SERVING"

# Stable key of the row; decides its split.
feature {{
  name: {key}
  type: BYTES
  presence {{ min_fraction: 1.0 min_count: 1 }}
  value_count {{ min: 1 max: 1 }}
  not_in_environment: "SERVING"
}}
"""
TYPES = {Kind.NUMBER: "FLOAT", Kind.WHOLE: "INT", Kind.TRUTH: "INT", Kind.MOMENT: "INT"}
CALENDAR = {(1, 12), (0, 11), (1, 31), (0, 6), (1, 7), (0, 23), (1, 24), (0, 59), (0, 1), (1, 4)}
"""Ranges of months, days, hours and the like, which need no room."""
SMALLEST_SPLIT = 0.2
CERTAIN = 1000
"""A column with a value in so many rows, and all of them, must have one in every row."""
LEVEL = 1 - 1e-5
MOST_VALUES, OFTEN = 20, 20
MASS = 0.95
FEWEST_PERIODS = 3
ROOM = 1.5
LEAST = 0.01
"""The smallest limit. Below it, quantiles cannot tell distributions apart."""
HIGHEST = 0.95
"""Beyond it, a column differs between periods by construction."""


@dataclass(frozen=True)
class Rule:
    """What the schema says of a column.

    Attributes:
        column: The column.
        is_served: Whether it is part of a request.
        is_judged: Whether its values matter: whether it is a feature, or part of the label.
        comment: The line above it.
        least: The least share of rows with a value.
        drift: The largest distance of neighbouring periods, and its limit; None if not measured.
    """

    column: Column
    is_served: bool
    is_judged: bool
    comment: str
    least: float
    classes: Sequence[str] = ()
    drift: tuple[float, float] | None = None

    @property
    def type(self) -> str:
        """The type: `FLOAT`, `INT` or `BYTES`."""
        return TYPES.get(self.column.kind, "BYTES")

    @property
    def moves(self) -> bool:
        """Whether it differs between periods by construction, such as a time."""
        return self.drift is not None and self.drift[1] > HIGHEST

    def text(self) -> str:
        """Returns the feature as text."""
        body = (f"  {line}" for line in self._lines())
        return "\n".join(("", prose(self.comment, "# "), "feature {", *body, "}"))

    def _lines(self) -> Iterator[str]:
        yield f"name: {quoted(self.column.name)}"
        yield f"type: {self.type}"
        count = " min_count: 1" if self.least > 0 else ""
        yield f"presence {{ min_fraction: {self.least or 0.0}{count} }}"
        yield "value_count { min: 1 max: 1 }"
        if not self.is_served:
            yield 'not_in_environment: "SERVING"'
        if self.is_judged:
            yield from self._domain()
        if self.drift is not None and not self.moves:
            measure = "infinity_norm" if self.type == "BYTES" else "jensen_shannon_divergence"
            yield f"# Between neighbouring periods at most {self.drift[0]:.3f}."
            for comparator in ("drift", "skew") if self.is_served else ("drift",):
                limit = f"threshold: {self.drift[1]:g}"
                yield f"{comparator}_comparator {{ {measure} {{ {limit} }} }}"

    def _domain(self) -> Iterator[str]:
        if self.type == "INT" and self.column.kind is not Kind.MOMENT and self.column.present:
            low, high = with_room(*self.column.range, whole=True)
            yield f"int_domain {{ min: {low:.0f} max: {high:.0f} }}"
        elif self.type == "FLOAT":
            low, high = with_room(*self.column.range, whole=False)
            words = "" if self.column.has_nan else " disallow_nan: true disallow_inf: true"
            yield f"float_domain {{ min: {low:g} max: {high:g}{words} }}"
        elif self.classes or self._is_closed:
            yield "string_domain {"
            for value in self.classes or sorted(self.column.counts):
                yield f"  value: {quoted(value)}"
            yield "}"
            if not self.classes:
                yield f"distribution_constraints {{ min_domain_mass: {MASS} }}"

    @property
    def _is_closed(self) -> bool:
        counts = self.column.counts if self.column.kind is Kind.TEXT and self.is_served else {}
        return 0 < len(counts) <= MOST_VALUES and min(counts.values()) >= OFTEN


def quoted(text: str) -> str:
    """Returns a text in the notation of protobuf's text format."""
    return f'"{text_encoding.CEscape(text.encode(), as_utf8=True)}"'


def schema_text(title: str, key: str, rules: Sequence[Rule], periods: Sequence[str]) -> str:
    """Returns the file of a schema.

    Args:
        title: What a row is, in words.
        key: The column with the row's key.
        rules: The other columns.
        periods: The first and the last period, in words; empty if there are none.
    """
    rows = rules[0].column.rows if rules else 0
    covered = f" of {periods[0]} to {periods[-1]}" if periods else ""
    head = HEADER.format(title=title, rows=rows, periods=covered, key=quoted(key))
    return head + "".join(f"{rule.text()}\n" for rule in rules)


def with_room(low: float, high: float, whole: bool) -> tuple[float, float]:
    """Returns a range with room for values not seen yet: half of it on each side, signs kept."""
    if (low, high) in CALENDAR and whole:
        return low, high
    room = (high - low or abs(high) or 1) / 2
    lower = low - room if low < 0 else max(0.0, low - room)
    upper = high + room if high > 0 else min(0.0, high + room)
    if whole:
        return math.floor(lower), min(math.ceil(upper), 2**63 - 1)
    return _rounded(lower, math.floor), _rounded(upper, math.ceil)


def _rounded(number: float, towards: Any) -> float:
    """Rounds to two significant digits."""
    if not number:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(number))) - 1)
    return float(towards(round(number / unit, 6)) * unit)


def least_present(column: Column, periods: Sequence[NDArray[np.intp]]) -> float:
    """Returns the share of rows with a value that even a small split of a period has.

    The share of the worst period, with room for chance: the binomial quantile of missing values in
    the smallest split, at a rate of (missing + 3) / rows.

    Args:
        column: The column.
        periods: The rows of each period.
    """
    from scipy.stats import binom

    absent = column.values.is_null().to_numpy(zero_copy_only=False)
    if not absent.any() and column.rows >= CERTAIN:
        return 1.0
    least = 1.0
    for rows in periods:
        rate = min((int(absent[rows].sum()) + 3) / len(rows), 1.0)
        size = max(int(SMALLEST_SPLIT * len(rows) * ROOM / 2), 1)
        least = min(least, 1 - float(binom.ppf(LEVEL, size, rate)) / size)
    return max(math.floor(least * 100) / 100, 0.0)


def drift(column: Column, periods: Sequence[NDArray[np.intp]]) -> tuple[float, float] | None:
    """Returns the largest distance of neighbouring periods, and a limit above it.

    The data gate's distances, without what chance adds to them on average; it holds a span's whole
    interval against the limit, which therefore needs no room for chance.

    Args:
        column: The column.
        periods: The rows of each period, in order.
    """
    if len(periods) < FEWEST_PERIODS or column.kind in {Kind.EMPTY, Kind.OTHER}:
        return None
    of = of_text if column.kind is Kind.TEXT else of_numbers
    features = [{column.name: of(column.name, column.array[rows])} for rows in periods]
    found = [
        distance.excess
        for old, new in pairwise(features)
        for distance in distances([old], new, LEVEL).values()
    ]
    if not found:
        return None
    return max(found), math.ceil(max(ROOM * max(found), LEAST) * 100) / 100
