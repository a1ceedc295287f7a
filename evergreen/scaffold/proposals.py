"""Proposes what to do with each column, and says why."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from evergreen.errors import SettingsError, closest
from evergreen.scaffold.code import call
from evergreen.scaffold.expression import literal
from evergreen.scaffold.label import LabelChoice
from evergreen.scaffold.leakage import suspects
from evergreen.scaffold.profile import Column, Kind, Profile
from evergreen.texts import count, many, percent

IDS = 0.9
"""Text with more different values than this share of the rows is an id, or free text."""
WORDS = 40
"""From this mean length on, text that differs from row to row is free text."""
CALLED_ID = re.compile(r"(^|[^a-z])(id|key|uuid|guid|index|rownum|row_number)$", re.IGNORECASE)
INDEX = re.compile(r"^(Unnamed: \d+|__index_level_\d+__|index|level_0|)$")
DATES = r"^\s*[0-9]{1,4}[/.][0-9]{1,2}[/.][0-9]{1,4}"
WIDEST = 32
"""The widest range of a whole number of which each value has a weight of its own."""
ROWS_A_VALUE = 30
MOST_VALUES, MOST_CATEGORIES, BUCKETS = 100, 1000, 500
FEWEST = 10
"""The fewest rows, and of ten thousand, that have a value of a feature."""
FLAGGED = 0.01
"""From this share of missing values on, the model learns what missing means."""
USUAL_RAMPS = 30  # the default of Number
SMALL, RAMPS = 3000, 12
"""Below so many rows, a number gets so many ramps."""


class Treatment(StrEnum):
    """What is done with a column."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    HASHED = "hashed"
    DATE = "date"
    MOMENT = "time"
    LABEL = "label"
    LEFT_OUT = "left out"


CLASSES = {
    Treatment.NUMBER: "Number",
    Treatment.INTEGER: "Integer",
    Treatment.BOOLEAN: "Boolean",
    Treatment.CATEGORY: "Category",
    Treatment.HASHED: "Hashed",
    Treatment.DATE: "Date",
    Treatment.MOMENT: "Moment",
}
"""The class of `evergreen.tabular` that declares such a feature."""


@dataclass(frozen=True)
class Proposal:
    """What is done with a column.

    Attributes:
        column: The column.
        treatment: What is done.
        reason: Why, in words.
        arguments: Arguments of the feature's declaration: positional ones have no name.
        is_suspect: Whether it is left out because it may give the label away.
    """

    column: Column
    treatment: Treatment
    reason: str
    arguments: tuple[tuple[str, object], ...] = ()
    is_suspect: bool = False

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def code(self) -> str:
        """The feature's declaration, as Python code."""
        arguments = [literal(self.name)]
        for name, value in self.arguments:
            arguments.append(f"{name}={literal(value)}" if name else literal(value))
        return call(CLASSES[self.treatment], arguments, indent=8)

    @property
    def is_feature(self) -> bool:
        """Whether the model gets it."""
        return self.treatment in CLASSES


def propose(
    profile: Profile, label: LabelChoice, not_before: Collection[str], keep: Collection[str]
) -> list[Proposal]:
    """Proposes what to do with each column of a table.

    Args:
        profile: The table.
        label: The label.
        not_before: Columns that are known only after the prediction.
        keep: Columns to keep although they are suspected.

    Raises:
        SettingsError: If a named column does not exist, or no feature is left.
    """
    for name in (*not_before, *keep):
        if name not in profile.columns:
            near = closest(name, profile.columns)
            raise SettingsError(
                f"the table has no column {name!r}.", hint=f"Did you mean {near!r}?" if near else ""
            )
    proposals = []
    for name, column in profile.columns.items():
        if name in label.expression.columns and name not in keep:
            said = Proposal(column, Treatment.LABEL, f"the label: {label.meaning}")
        elif name in not_before:
            said = _without(column, "known only afterwards (--not-before)")
        else:
            said = _proposal(column, name in keep)
        proposals.append(said)
    found = suspects((item.column for item in proposals if item.is_feature), label)
    judged = [_judged(item, found, keep) for item in proposals]
    unique = list(_without_clashes(judged))
    if not any(item.is_feature for item in unique):
        raise SettingsError(
            "no column is left to predict the label from: "
            + "; ".join(f"{item.name}: {item.reason}" for item in unique[:10])
            + ".",
            hint="Keep one by --keep COLUMN, or deliver more columns.",
        )
    return unique


def _judged(item: Proposal, found: Mapping[str, str], keep: Collection[str]) -> Proposal:
    if item.name not in found:
        return item
    if item.name in keep:
        return replace(item, reason=f"{item.reason}; kept (--keep), though {found[item.name]}")
    return Proposal(item.column, Treatment.LEFT_OUT, found[item.name], (), True)


def _without(column: Column, reason: str) -> Proposal:
    return Proposal(column, Treatment.LEFT_OUT, reason)


def _nothing_in(column: Column) -> str:
    """Returns why a column tells nothing; empty if it may tell something."""
    if column.kind is Kind.EMPTY:
        return f"no value in {many(column.rows, 'row')}"
    if column.kind is Kind.OTHER:
        return f"{column.source} is no value that a model takes"
    if column.present < max(FEWEST, FEWEST * column.rows // 10_000):
        return f"only {many(column.present, 'value')} in {many(column.rows, 'row')}"
    if column.distinct == 1 and not column.values.null_count:
        return f"the same value in all rows: {str(column.values[0])[:60]}"
    return "an index that was written along" if INDEX.match(column.name) else ""


def _proposal(column: Column, is_kept: bool) -> Proposal:
    if nothing := _nothing_in(column):
        return _without(column, nothing)
    if column.kind is Kind.MOMENT:
        return _of_moment(column)
    if column.kind is Kind.TRUTH:
        return Proposal(column, Treatment.BOOLEAN, f"true in {percent(_share(column))}")
    return _of_text(column, is_kept) if column.kind is Kind.TEXT else _of_number(column, is_kept)


def _of_moment(column: Column) -> Proposal:
    if column.is_date:
        return Proposal(column, Treatment.DATE, "month and weekday, not the date itself")
    arguments = () if column.zone == "UTC" else (("zone", column.zone),)
    said = f"month, weekday and hour ({column.zone}), not the date itself"
    return Proposal(column, Treatment.MOMENT, said, arguments)


def _share(column: Column) -> float:
    return column.counts[1] / max(column.present, 1)


def _of_number(column: Column, is_kept: bool) -> Proposal:
    low, high = column.range
    different = f"{count(column.distinct)} different values"
    if column.kind is Kind.WHOLE and not is_kept and _is_id(column):
        return _without(column, f"an id: {different} in {many(column.present, 'row')}")
    size = high - low + 1
    is_narrow = size <= min(WIDEST, column.rows / ROWS_A_VALUE) and low == int(low)
    if column.kind is Kind.WHOLE and is_narrow:
        if (low, high) == (0, 1):
            return Proposal(column, Treatment.BOOLEAN, f"0 or 1: 1 in {percent(_share(column))}")
        reason = f"{int(low)} to {int(high)}: a weight for each value"
        return Proposal(column, Treatment.INTEGER, reason, (("", int(low)), ("", int(high))))
    arguments: list[tuple[str, object]] = []
    ramps = RAMPS if column.rows < SMALL else min(USUAL_RAMPS, max(2, column.distinct // 2))
    if ramps < USUAL_RAMPS:
        arguments.append(("ramps", ramps))
    missing = column.missing >= FLAGGED
    if missing:
        arguments.append(("flag_missing", True))
    reason = f"{different}, {_shown(low)} to {_shown(high)}"
    reason += f"; missing in {percent(column.missing)}" if missing else ""
    return Proposal(column, Treatment.NUMBER, reason, tuple(arguments))


def _is_id(column: Column) -> bool:
    """Returns whether a whole number is different in every row and counts them, or is called so."""
    low, high = column.range
    if CALLED_ID.search(column.name) and column.distinct > MOST_VALUES:
        return True
    return column.distinct == column.present > 1 and high - low < 2 * column.present


def _shown(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:,.4g}"


def _of_text(column: Column, is_kept: bool) -> Proposal:
    different = f"{count(column.distinct)} different texts"
    if not is_kept and column.distinct > max(IDS * column.present, MOST_VALUES):
        kind = "free text" if column.length > WORDS else "an id"
        return _without(column, f"{kind}: {different} in {many(column.present, 'row')}")
    if not is_kept and CALLED_ID.search(column.name) and column.distinct > MOST_CATEGORIES:
        return _without(column, f"an id: {different}")
    if _is_date(column):
        return _without(column, "dates in another notation than ISO-8601 (2013-01-31)")
    if column.distinct > MOST_CATEGORIES:
        return Proposal(
            column,
            Treatment.HASHED,
            f"{different}: too many for weights of their own",
            (("", BUCKETS),),
        )
    least = max(ROWS_A_VALUE // 3, column.rows // 2000)
    frequent = sum(1 for rows in column.counts.values() if rows >= least)
    top_k = max(1, min(MOST_VALUES, frequent))
    rest = column.distinct - top_k
    if not rest and top_k > 1:  # so that training knows what a new value is
        top_k, rest = top_k - 1, 1
    said = "the rarest one stands" if rest == 1 else f"the rarest {count(rest)} stand"
    reason = different + (f"; {said} for new ones, too" if rest else "")
    return Proposal(column, Treatment.CATEGORY, reason, (("top_k", top_k),))


def _is_date(column: Column) -> bool:
    import pyarrow.compute as pc

    return pc.all(pc.match_substring_regex(column.values.drop_null(), DATES)).as_py() is True


def _without_clashes(proposals: list[Proposal]) -> Iterator[Proposal]:
    """Leaves out features whose transformed names another one has, such as parts of a time."""
    names = {item.name for item in proposals if item.is_feature}
    for item in proposals:
        parts = {f"{item.name}_{part}" for part in ("month", "weekday", "hour")}
        clash = sorted(names & parts) if item.column.kind is Kind.MOMENT else []
        if clash:
            yield _without(item.column, f"its parts are columns of their own: {clash[0]}")
        elif f"{item.name}_missing" in names and ("flag_missing", True) in item.arguments:
            left = tuple(pair for pair in item.arguments if pair[0] != "flag_missing")
            yield replace(item, arguments=left)
        else:
            yield item
