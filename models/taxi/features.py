"""The features of the taxi model, declared once for preprocessing, model and serving.

Areas and census tracts are left out: the coordinates are their centres, and one-hot areas made
the log loss worse. So is the timestamp: a model must not learn the date of its training data.
"""

from dataclasses import dataclass

KEY = "trip_id"
FARE = "fare"
TIPS = "tips"

LABEL = "big_tip"
# The label of a row whose fare or tip is missing. Training leaves such rows out; TFMA refuses them.
UNKNOWN_LABEL = -1
# A tip is big if it is more than one part in TIP_DIVISOR of the fare: more than 20 %.
TIP_DIVISOR = 5


@dataclass(frozen=True)
class Number:
    """A float feature, transformed to its rank among the training values.

    Attributes:
        name: Raw feature.
        low: Smallest valid value; anything below is treated as missing.
        high: Largest valid value; anything above is treated as missing.
        ramps: Piecewise linear functions of the rank that the model sees.
        flag_missing: Whether the model is told that the value was missing. Off where training data
            has no such rows: the weight of the flag would stay at its random start.
    """

    name: str
    low: float
    high: float
    ramps: int
    flag_missing: bool = False

    @property
    def missing_name(self) -> str:
        """Name of the transformed feature that is 1.0 where the value is missing, else 0.0."""
        return f"{self.name}_missing"


@dataclass(frozen=True)
class Integer:
    """An integer feature with a known range, transformed to 1..size; 0 is missing or invalid."""

    name: str
    low: int
    high: int

    @property
    def size(self) -> int:
        """Number of valid values."""
        return self.high - self.low + 1


@dataclass(frozen=True)
class Text:
    """A text feature, transformed to 2..size by a learned vocabulary; 0 is missing, 1 is rare.

    Attributes:
        name: Raw feature, and name of its vocabulary.
        top_k: Values in the vocabulary, the most frequent ones. All others, those never seen
            included, share the value 1, which therefore has been trained.
    """

    name: str
    top_k: int

    @property
    def size(self) -> int:
        """Number of values other than missing."""
        return self.top_k + 1


# Ramps: the ranks have 30 steps. Coordinates repeat a few centres, so half as many do.
NUMBERS = (
    Number(FARE, 0.0, 10_000.0, ramps=30),
    Number("trip_miles", 0.0, 10_000.0, ramps=30),
    Number("trip_seconds", 0.0, 86_400.0, ramps=30, flag_missing=True),
    Number("pickup_latitude", 41.6, 42.1, ramps=15),
    Number("pickup_longitude", -88.0, -87.5, ramps=15),
    # Latitude and longitude are missing together, so one flag is enough.
    Number("dropoff_latitude", 41.6, 42.1, ramps=15, flag_missing=True),
    Number("dropoff_longitude", -88.0, -87.5, ramps=15),
)
INTEGERS = (
    Integer("trip_start_month", 1, 12),
    Integer("trip_start_day", 1, 7),
    Integer("trip_start_hour", 0, 23),
)
TEXTS = (Text("payment_type", top_k=4), Text("company", top_k=12))
RAW_NAMES = tuple(feature.name for feature in (*NUMBERS, *INTEGERS, *TEXTS))


def transformed_name(name: str) -> str:
    """Returns the name under which Transform emits a raw feature."""
    return f"{name}_xf"
