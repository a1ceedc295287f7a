"""Calendar periods."""

from datetime import UTC, date, datetime, time
from enum import Enum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from evergreen.spans.manifest import Interval

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class Period(Enum):
    """A calendar period; all of them start on the first of a month at 00:00."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"

    @property
    def months(self) -> int:
        """Length in months."""
        return {"year": 12, "quarter": 3, "month": 1}[self.value]

    def ordinals(self, seconds: "pa.ChunkedArray", zone: str = "UTC") -> "np.ndarray":
        """Returns the numbers of the periods that moments fall in; consecutive periods differ by 1.

        Args:
            seconds: int64, shape (rows,), seconds since 1970-01-01 UTC, no nulls.
            zone: The time zone of the calendar, such as Europe/Berlin.

        Returns:
            int64 array of shape (rows,).
        """
        import pandas as pd

        moments = pd.DatetimeIndex(seconds.to_numpy().astype("datetime64[s]"))
        local = moments.tz_localize("UTC").tz_convert(ZoneInfo(zone))
        months = local.year.to_numpy("int64") * 12 + local.month.to_numpy("int64") - 1
        return months // self.months

    def interval(self, ordinal: int, zone: str = "UTC") -> Interval:
        """Returns the start of the period with this ordinal, and of the next one."""
        starts = (
            datetime.combine(self.first_day(at), time(), ZoneInfo(zone)).astimezone(UTC)
            for at in (ordinal, ordinal + 1)
        )
        return Interval(start=next(starts), end=next(starts))

    def first_day(self, ordinal: int) -> date:
        """Returns the first day of the period with this ordinal."""
        year, month = divmod(ordinal * self.months, 12)
        return date(year, month + 1, 1)


def measure_time_range(table: "pa.Table", column: str | None) -> Interval | None:
    """Returns the earliest and latest moment of a column, both included.

    Returns None if the column is absent, empty, or has values that are not moments: whether that is
    an error is for others to decide.
    """
    import pyarrow.compute as pc

    from evergreen.quality.columns import moments

    if column is None or column not in table.column_names:
        return None
    found, refused = moments(table[column].combine_chunks())
    bounds = pc.min_max(found).as_py()
    if refused or bounds["min"] is None:
        return None
    return Interval(start=bounds["min"], end=bounds["max"])
