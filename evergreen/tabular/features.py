"""The kinds of features that a table declares.

A feature is transformed either to a rank in [0, 1] (`Number`) or to ids that count from 1, with 0
for missing (all others). The model gets a rank as ramps and an id as one column each.
"""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Number:
    """A number, transformed to its rank among the training values.

    Attributes:
        name: Raw feature.
        low: Smallest valid value; anything below is treated as missing.
        high: Largest valid value; anything above is treated as missing.
        ramps: Piecewise linear functions of the rank for the model. The ranks have 30 steps.
        flag_missing: Whether the model gets a flag for missing values. Off if training data has no
            such rows: the weight of the flag would stay at its random start.
    """

    name: str
    low: float = -inf
    high: float = inf
    ramps: int = 30
    flag_missing: bool = False

    @property
    def flag(self) -> str:
        """Name of the transformed feature that is 1.0 for missing values, else 0.0."""
        return transformed_name(f"{self.name}_missing")


@dataclass(frozen=True)
class Integer:
    """A whole number with a known range, transformed to 1..size; 0 is missing or out of range."""

    name: str
    low: int
    high: int

    @property
    def size(self) -> int:
        """Number of valid values."""
        return self.high - self.low + 1


@dataclass(frozen=True)
class Boolean:
    """0 or 1, transformed to 1 or 2; 0 is missing or anything else."""

    name: str
    low: int = 0
    high: int = 1
    size: int = 2


@dataclass(frozen=True)
class Category:
    """A text or a code, transformed to 2..size by a learned vocabulary; 0 is missing, 1 is rare.

    Attributes:
        name: Raw feature, and name of its vocabulary.
        top_k: The number of most frequent values in the vocabulary. All others, including unseen
            ones, share the value 1, which is therefore trained.
    """

    name: str
    top_k: int

    @property
    def size(self) -> int:
        """The number of values other than missing."""
        return self.top_k + 1


@dataclass(frozen=True)
class Hashed:
    """A text or a code of very many values, transformed to 1..size by its hash; 0 is missing."""

    name: str
    size: int


@dataclass(frozen=True)
class Date:
    """A day, as whole seconds since 1970, transformed to its month and weekday.

    The date itself is left out: a model must not learn when its training data was.
    """

    name: str

    @property
    def month(self) -> Integer:
        """1, January, to 12."""
        return Integer(f"{self.name}_month", 1, 12)

    @property
    def weekday(self) -> Integer:
        """0, Monday, to 6."""
        return Integer(f"{self.name}_weekday", 0, 6)

    @property
    def parts(self) -> tuple[Integer, ...]:
        """All parts."""
        return self.month, self.weekday


@dataclass(frozen=True)
class Moment(Date):
    """A time in whole seconds since 1970 (UTC), transformed to its month, weekday and hour.

    Attributes:
        name: Raw feature.
        zone: The time zone of month, weekday and hour, such as `America/New_York`.
    """

    zone: str = "UTC"

    @property
    def hour(self) -> Integer:
        """0 to 23."""
        return Integer(f"{self.name}_hour", 0, 23)

    @property
    def parts(self) -> tuple[Integer, ...]:
        """All parts."""
        return self.month, self.weekday, self.hour


Feature = Number | Integer | Boolean | Category | Hashed | Date


def transformed_name(name: str) -> str:
    """Returns the name under which Transform emits a raw feature."""
    return f"{name}_xf"
