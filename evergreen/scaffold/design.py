"""Designs a use case: everything that is decided about it before a file is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from evergreen.errors import DataError, SettingsError, closest
from evergreen.scaffold.baselines import Reached, baselines
from evergreen.scaffold.label import LabelChoice, choose_label
from evergreen.scaffold.names import plain_names
from evergreen.scaffold.profile import Column, Kind, Profile, profile
from evergreen.scaffold.proposals import Proposal, Treatment, propose
from evergreen.scaffold.schema import Rule, drift, least_present
from evergreen.spans import Period
from evergreen.spans.source import read_rows

KEYS = ("row_id", "row_key", "evergreen_row_id")
MANY_SPANS, FEW_SPANS = 40, 4


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        name: The use case.
        source: A file, a folder, or the URL of a database.
        query: The statement for a database; None for its table.
        label: The expression; None to find a column that is called like a label.
        time: The column with the time of a row; None for a single span.
        by: The length of a span; None to choose it.
        task: `binary`, `multiclass` or `regression`; None to infer it.
        not_before: Columns that are known only after the prediction.
        keep: Columns to keep although they are suspected.
    """

    name: str
    source: str | Path
    query: str | None = None
    label: str | None = None
    time: str | None = None
    by: Period | None = None
    task: str | None = None
    not_before: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class Design:
    """A designed use case.

    Attributes:
        request: What was asked for.
        profile: The table.
        label: The label.
        proposals: What is done with each column.
        rules: What the schema says of each column.
        reached: What simple models reach, by metric; the one that training minimizes first.
        key: The column with the row's key.
        period: The length of a span.
        periods: The first day of each span, such as 2013-01-01; empty without a time.
        renamed: Plain names of columns by those in the table, where they differ.
    """

    request: Request
    profile: Profile
    label: LabelChoice
    proposals: Sequence[Proposal]
    rules: Sequence[Rule]
    reached: dict[str, Reached]
    key: str
    period: Period
    periods: tuple[str, ...]
    renamed: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of the use case."""
        return self.request.name

    @property
    def features(self) -> list[Proposal]:
        """The columns that the model gets."""
        return [item for item in self.proposals if item.is_feature]

    @property
    def left_out(self) -> list[Proposal]:
        """The columns that it does not get, without the label's."""
        return [item for item in self.proposals if item.treatment is Treatment.LEFT_OUT]

    @property
    def zone(self) -> str:
        """The time zone in which spans begin."""
        return self.profile[self.request.time].zone if self.request.time else "UTC"


def design(request: Request) -> Design:
    """Designs a use case from its table.

    Raises:
        DataError: If the table cannot be read, or is not fit for a use case.
        SettingsError: If something that was asked for does not fit the table.
    """
    return design_table(request, read_rows(request.source, query=request.query))


def design_table(request: Request, table: pa.Table) -> Design:
    """Designs a use case from rows; as `design`."""
    renamed = plain_names(table.column_names)
    request = _with_plain_names(request, renamed)
    names = [renamed.get(name, name) for name in table.column_names]
    described = profile(table.rename_columns(names))
    label = choose_label(described, request.label, request.task, renamed)
    period, spans, periods = _periods(described, request)
    proposals = propose(described, label, request.not_before, request.keep)
    return Design(
        request=request,
        profile=described,
        label=label,
        proposals=proposals,
        rules=[_rule(item, label, spans, request.time) for item in proposals if is_taken(item)],
        reached=baselines(proposals, label),
        key=next(key for key in KEYS if key not in described.columns),
        period=period,
        periods=periods,
        renamed=renamed,
    )


def _with_plain_names(request: Request, renamed: Mapping[str, str]) -> Request:
    return replace(
        request,
        time=request.time and renamed.get(request.time, request.time),
        not_before=tuple(renamed.get(name, name) for name in request.not_before),
        keep=tuple(renamed.get(name, name) for name in request.keep),
    )


def is_taken(item: Proposal) -> bool:
    """Returns whether the column can be ingested at all."""
    return item.column.kind is not Kind.OTHER


def _rule(
    item: Proposal, label: LabelChoice, spans: Sequence[NDArray[np.intp]], time: str | None
) -> Rule:
    is_label = item.name in label.expression.columns
    is_judged = item.is_feature or is_label
    is_time = item.column.kind is Kind.MOMENT
    return Rule(
        column=item.column,
        is_served=item.is_feature,
        is_judged=is_judged,
        comment=item.reason,
        least=1.0 if item.name == time else least_present(item.column, spans),
        classes=label.classes if is_label and item.column.kind is Kind.TEXT else (),
        drift=drift(item.column, spans) if is_judged and not is_time else None,
    )


def _periods(
    described: Profile, request: Request
) -> tuple[Period, list[NDArray[np.intp]], tuple[str, ...]]:
    """Returns the length of a span, the rows of each, and their first days."""
    if request.time is None:
        if request.by is not None:
            raise SettingsError("--by is without --time.", hint="Name the column: --time COLUMN.")
        return Period.YEAR, [np.arange(described.rows)], ()
    column = _time(described, request.time)
    period, ordinals, codes = _cut(column, request.by)
    rows = [np.flatnonzero(codes == at) for at in range(len(ordinals))]
    return period, rows, tuple(f"{period.first_day(int(at)):%Y-%m-%d}" for at in ordinals)


def _cut(column: Column, by: Period | None) -> tuple[Period, NDArray[np.int64], NDArray[np.intp]]:
    """Returns the period, its numbers, and the place of each row's among them."""
    seconds = pa.chunked_array([column.values])
    for period in [by] if by else list(Period):
        ordinals, codes = np.unique(period.ordinals(seconds, column.zone), return_inverse=True)
        if by or FEW_SPANS <= len(ordinals) <= MANY_SPANS or period is Period.MONTH:
            break
    return period, ordinals, codes


def _time(described: Profile, name: str) -> Column:
    if name not in described.columns:
        near = closest(name, described.columns)
        raise SettingsError(
            f"--time: the table has no column {name!r}.",
            hint=f"Did you mean {near!r}?" if near else "",
        )
    column = described[name]
    if column.kind is not Kind.MOMENT:
        raise DataError(
            f"--time: column {name!r} holds {column.kind.value}s, not times.",
            hint="Times are timestamps or dates, ISO-8601 text, or seconds since 1970 in a column "
            "called ..._time or ..._date.",
        )
    if column.values.null_count:
        raise DataError(
            f"--time: column {name!r} is empty in {column.values.null_count:,} of {column.rows:,} "
            "rows, which then belong to no span.",
            hint="Deliver it in every row, or name another column.",
        )
    return column
