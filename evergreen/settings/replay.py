"""What `evergreen replay` plays."""

from pydantic import Field

from evergreen.settings.base import DottedPath, ProjectPath, Section
from evergreen.settings.triggers import WindowSettings


class ReplaySettings(Section):
    """A stream of past data, played again as if it came now."""

    folder: ProjectPath = Field(description="Everything is written below it.")
    label: DottedPath = Field(description="From a table of raw rows to labels: 0, 1, NaN.")
    first: int = Field(4, gt=0, description="Spans that the first model is trained on.")
    window: WindowSettings = Field(
        WindowSettings(of="expanding"), description="What each policy trains on."
    )
    schedule: str = Field("0 0 1 1,7 *", description="When the policy by the clock trains.")
    requests: int = Field(8, gt=0, description="Requests in flight.")
