"""What is watched in live traffic, and what it is held to."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from evergreen.settings.base import ProjectPath, Section

Share = Annotated[float, Field(ge=0, le=1)]


class DistanceSettings(Section):
    """How far distributions may be apart; noise is taken off before it is compared.

    `evergreen calibrate` proposes values from the history of the data.
    """

    numbers: Share = Field(
        0.01, description="Jensen-Shannon divergence in bits, over the deciles of before."
    )
    categories: Share = Field(0.15, description="L-infinity: the change of any value's share.")
    missing: Share = Field(0.2, description="The change of the share of rows without a value.")
    features: Mapping[str, Share] = Field(
        {}, description="Limits of single features, in place of `numbers` or `categories`."
    )


class PerformanceSettings(Section):
    """How much worse than when it was evaluated a model may be; null: not looked at."""

    log_loss_increase: Annotated[float, Field(gt=0)] | None = 0.05
    auc_decrease: Annotated[float, Field(gt=0)] | None = 0.03
    slices: tuple[str, ...] = Field(
        (), description="Features whose values are looked at one by one."
    )


class MonitoringSettings(Section):
    """What `evergreen monitor` looks at."""

    output: str = Field(
        "", description="The output that is a probability; empty if there is only one."
    )
    labels: ProjectPath = Field(
        description="Folder of Parquet or CSV files with request_id, row and label, as they come."
    )
    results: ProjectPath = Field(description="Folder of what was found, by window.")
    skew: DistanceSettings = Field(
        DistanceSettings(), description="Live traffic against what the model was trained on."
    )
    drift: DistanceSettings = Field(
        DistanceSettings(), description="Live traffic against the window before."
    )
    predictions: Share = Field(0.05, description="As `numbers`, of what the model says.")
    performance: PerformanceSettings = PerformanceSettings()
    staleness_days: float | None = Field(
        None, gt=0, description="Age of the newest data the model was trained on, at most."
    )
    confidence: float = Field(0.99, gt=0.5, lt=1, description="Of all intervals.")
    min_rows: int = Field(100, gt=0, description="Rows, or labels, before anything is said.")
