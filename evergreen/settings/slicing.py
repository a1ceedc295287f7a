"""Slices of rows for gates, monitors and reports."""

from pydantic import BaseModel, ConfigDict


class Slicing(BaseModel):
    """A division of rows by a raw feature; each slice is compared separately.

    Attributes:
        feature: The raw feature.
        edges: For numbers, where a new slice begins. Without edges, each value is a slice.
        known: Divides into rows that have the feature and rows that lack it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    feature: str
    edges: tuple[float, ...] = ()
    known: bool = False
