"""How rows are cut into parts: by gates, monitors and reports."""

from pydantic import BaseModel, ConfigDict


class Slicing(BaseModel):
    """A way to cut the test rows by a raw feature; each part is compared on its own.

    Attributes:
        feature: The raw feature.
        edges: For a number: where a new part begins. Without edges each value is a part.
        known: Cut into rows that have the feature and rows that lack it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    feature: str
    edges: tuple[float, ...] = ()
    known: bool = False
