"""The declaration of a table by its use case: features and label."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evergreen.tabular.features import (
    Boolean,
    Category,
    Feature,
    Hashed,
    Integer,
    Moment,
    Number,
    transformed_name,
)

if TYPE_CHECKING:
    import tensorflow as tf

Ids = Integer | Boolean | Category | Hashed


@dataclass(frozen=True)
class Label:
    """The label, as a function of raw columns.

    A row in which one of the columns is missing has no label: it is left out of training and
    evaluation, and counted.

    Attributes:
        name: The name of the label among the transformed features.
        columns: The numeric raw columns that it uses.
        function: Maps these columns by name, float32 [n] without missing values, to the label, [n],
            0 or 1.
    """

    name: str
    columns: tuple[str, ...]
    function: "Callable[[Mapping[str, tf.Tensor]], tf.Tensor]"


@dataclass(frozen=True)
class Table:
    """The columns of a use case, declared once for preprocessing, model and serving.

    Attributes:
        name: The name of the model.
        features: The features, in the order of the model's inputs.
        label: The label.
    """

    name: str
    features: tuple[Feature, ...]
    label: Label

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The features that are transformed to ranks."""
        return tuple(feature for feature in self.features if isinstance(feature, Number))

    @property
    def moments(self) -> tuple[Moment, ...]:
        """The features that are transformed to parts of a date."""
        return tuple(feature for feature in self.features if isinstance(feature, Moment))

    @property
    def ids(self) -> tuple[Ids, ...]:
        """Ids: features that are transformed to ids, and parts of moments."""
        plain = [item for item in self.features if not isinstance(item, Number | Moment)]
        return (*plain, *(part for moment in self.moments for part in moment.parts))

    @property
    def raw_names(self) -> tuple[str, ...]:
        """The columns of a request: all features, without the label's columns."""
        return tuple(feature.name for feature in self.features)

    @property
    def floats(self) -> tuple[str, ...]:
        """Names of the transformed features that are float32: ranks, and flags."""
        flags = [number.flag for number in self.numbers if number.flag_missing]
        return (*(transformed_name(number.name) for number in self.numbers), *flags)
