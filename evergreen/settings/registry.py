"""Settings of the model registry."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from evergreen.settings.base import Section

Text = Annotated[str, Field(min_length=1)]


class PromotionSettings(Section):
    """The conditions for promoting a version, by hand or by the gateway."""

    by: tuple[Text, ...] = Field(
        (), description="Names of users who may promote, and `gateway`. Anybody if empty."
    )
    evidence: tuple[Text, ...] = Field(
        (),
        description="Names of the evidence that its log must have, such as metrics, or a ticket.",
    )
    hold_seconds: float = Field(
        0, ge=0, description="How long it must have been a canary, unless it has served before."
    )


class RegistrySettings(Section):
    """The stage of pushed models, and the policy for promotions."""

    later: Literal["candidate", "canary"] = Field(
        description="The stage of a pushed version while another one is serving."
    )
    promotion: PromotionSettings = PromotionSettings()

    @model_validator(mode="after")
    def _lets_versions_be_promoted(self) -> Self:
        if self.later == "candidate" and self.promotion.hold_seconds:
            raise ValueError(
                "promotion.hold_seconds is how long a canary is held, and later is candidate: no "
                "version could ever be promoted"
            )
        return self
