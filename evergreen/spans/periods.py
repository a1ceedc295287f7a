"""Calendar periods in UTC."""

from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from evergreen.spans.manifest import Interval

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class Period(Enum):
    """A calendar period; all of them start on the first of a month at 00:00 UTC."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"

    @property
    def months(self) -> int:
        """Length in months."""
        return {"year": 12, "quarter": 3, "month": 1}[self.value]

    def ordinals(self, seconds: "pa.ChunkedArray") -> "np.ndarray":
        """Returns the numbers of the periods that moments fall in; consecutive periods differ by 1.

        Args:
            seconds: int64, shape (rows,), seconds since 1970-01-01 UTC, no nulls.

        Returns:
            int64 array of shape (rows,).
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        moments = pc.cast(seconds, pa.timestamp("s"))
        months = pc.year(moments).to_numpy() * 12 + pc.month(moments).to_numpy() - 1
        return months // self.months

    def interval(self, ordinal: int) -> Interval:
        """Returns the start of the period with this ordinal, and of the next one."""
        return Interval(start=self._start(ordinal), end=self._start(ordinal + 1))

    def _start(self, ordinal: int) -> datetime:
        year, month = divmod(ordinal * self.months, 12)
        return datetime(year, month + 1, 1, tzinfo=UTC)


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
