"""The declaration of a table by its use case: features and label."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evergreen.settings.task import Task
from evergreen.tabular.features import (
    Boolean,
    Category,
    Date,
    Feature,
    Hashed,
    Integer,
    Number,
    transformed_name,
)

if TYPE_CHECKING:
    import tensorflow as tf

Ids = Integer | Boolean | Category | Hashed


Columns = Mapping[str, "tf.Tensor"]


def only_column(columns: Columns) -> "tf.Tensor":
    """Returns the single column."""
    (column,) = columns.values()
    return column


@dataclass(frozen=True)
class Label:
    """The label, as a function of raw columns.

    A row in which one of the columns is missing has no label: it is left out of training and
    evaluation, and counted.

    Attributes:
        name: The name of the label among the transformed features.
        columns: The raw columns that it uses, of any type.
        function: Maps these columns by name to the label, [n]. Columns have the types of the
            schema, float32, int64 or string [n], without missing values. The label of a binary task
            is a bool, 0 or 1; of a multiclass task the name of a class or its index; of a
            regression a number. NaN, or an empty name, is a label that is not known.
        task: What is predicted.
        classes: Names of the classes of a multiclass task, in the order of the model's answer.
    """

    name: str
    columns: tuple[str, ...]
    function: Callable[[Columns], "tf.Tensor"] = only_column
    task: Task = Task.BINARY
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks that there are classes to choose from where the task asks for them.

        Raises:
            ValueError: If there are not, or a class is named twice, or has no name.
        """
        if self.task is not Task.MULTICLASS:
            if self.classes:
                raise ValueError(f"label {self.name!r}: a {self.task} task has no classes")
        elif len(self.classes) < 2:  # noqa: PLR2004
            raise ValueError(f"label {self.name!r}: a multiclass task needs two classes or more")
        elif len(set(self.classes)) < len(self.classes) or "" in self.classes:
            raise ValueError(f"label {self.name!r}: a class is named twice, or has no name")


@dataclass(frozen=True)
class Weight:
    """How much a row counts in training, as a function of raw columns.

    A row in which one of the columns is missing is left out of training. Evaluator and the gates
    count all rows alike.

    Attributes:
        name: The name of the weight among the transformed features.
        columns: The raw columns that it uses, of any type.
        function: Maps these columns by name, as for `Label`, to numbers from 0, [n].
    """

    name: str
    columns: tuple[str, ...]
    function: Callable[[Columns], "tf.Tensor"] = only_column


@dataclass(frozen=True)
class Table:
    """The columns of a use case, declared once for preprocessing, model and serving.

    Attributes:
        name: The name of the model.
        features: The features, in the order of the model's inputs.
        label: The label.
        weight: The weight of a row in training; None if all rows count alike.
    """

    name: str
    features: tuple[Feature, ...]
    label: Label
    weight: Weight | None = None

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The features that are transformed to ranks."""
        return tuple(feature for feature in self.features if isinstance(feature, Number))

    @property
    def extends(self) -> bool:
        """Whether ranks go on beyond the outermost quantiles, as a regression's answers do."""
        return self.label.task is Task.REGRESSION

    @property
    def moments(self) -> tuple[Date, ...]:
        """The features that are transformed to parts of a date."""
        return tuple(feature for feature in self.features if isinstance(feature, Date))

    @property
    def ids(self) -> tuple[Ids, ...]:
        """Ids: features that are transformed to ids, and parts of moments."""
        plain = [item for item in self.features if not isinstance(item, Number | Date)]
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
