"""The settings of `evergreen replay`."""

from typing import Annotated

from pydantic import Field

from evergreen.settings.base import DottedPath, ProjectPath, Section
from evergreen.settings.triggers import WindowSettings
from evergreen.spans import Period

MOST_FIRST = 4
"""The most spans for the first model, if the settings name no number."""


class ReplaySettings(Section):
    """The replay of past data as if it arrived now."""

    folder: ProjectPath = Field(description="The folder for all output.")
    label: DottedPath = Field(
        description="The function from a table of raw rows to labels: 0 or 1, the index of the "
        "class, or the value; NaN where it is not known."
    )
    period: Period | None = Field(
        None, description="The length of a span: year, quarter or month; null: data.period."
    )
    rows: Annotated[int, Field(gt=0)] | None = Field(
        None, description="The most rows of a span to send, drawn at random; null: all."
    )
    first: Annotated[int, Field(gt=0)] | None = Field(
        None,
        description="The number of spans for the first model; null: half of them, at most four.",
    )
    window: WindowSettings = Field(
        WindowSettings(of="expanding"), description="What each policy trains on."
    )
    schedule: str = Field("0 0 1 1,7 *", description="The trainings of the scheduled policy.")
    requests: int = Field(8, gt=0, description="Concurrent requests.")

    def first_of(self, spans: int) -> int:
        """Returns how many of so many spans are for the first model."""
        return self.first or max(1, min(MOST_FIRST, spans // 2))
