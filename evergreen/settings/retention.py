"""The settings of `evergreen gc`."""

from typing import Annotated

from pydantic import Field

from evergreen.settings.base import Section

Days = Annotated[int, Field(ge=1)] | None


class RetentionSettings(Section):
    """The artifacts and files that `evergreen gc` keeps: by newest runs, and by age in days."""

    runs: Annotated[int, Field(ge=1)] = Field(
        10, description="The newest runs keep all that they read or made; `--keep` overrides it."
    )
    predictions: Days = Field(
        None, description="Days that the gateway's log of predictions is kept; null: for ever."
    )
    monitoring: Days = Field(
        None, description="Days that pages and statistics of monitoring are kept; null: for ever."
    )
    reports: Days = Field(None, description="Days that reports are kept; null: for ever.")
    logs: Days = Field(None, description="Days that logs of runs are kept; null: for ever.")
