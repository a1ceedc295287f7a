"""The form of a model's answers and labels: its task, its classes, and its output."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from evergreen.monitoring.columns import Floats, answers
from evergreen.monitoring.label_values import Parse, parser
from evergreen.runs.reports.model import ModelReport
from evergreen.settings import Settings
from evergreen.settings.task import Task


@dataclass(frozen=True)
class Form:
    """The form of answers and labels.

    Attributes:
        task: What the model predicts.
        classes: The names of its classes, if it is multiclass.
        output: The output with the prediction; None for the only one.
    """

    task: Task = Task.BINARY
    classes: tuple[str, ...] = ()
    output: str | None = None

    @classmethod
    def of(cls, settings: Settings, report: ModelReport | None = None) -> Self:
        """Returns the form of a project's model.

        Args:
            settings: The project's settings.
            report: The evaluation of the version, which may have the classes in another order.
        """
        model = settings.model
        classes = report.classes if report else ()
        same = set(classes) == set(model.classes)
        return cls(model.task, classes if same else model.classes, settings.monitoring.output)

    def read(self, outputs: pa.Array) -> Floats:
        """Reads logged outputs; NaN where they are no prediction.

        Args:
            outputs: JSON objects, strings of shape [n].

        Returns:
            Probabilities of label 1 or values, shape [n], or probabilities of classes, [n, k].
        """
        if self.task is Task.MULTICLASS:
            return _probabilities(answers(outputs, self.output, len(self.classes)))
        found = answers(outputs, self.output)[:, 0]
        return found if self.task is Task.REGRESSION else _probabilities(found)

    @property
    def parse(self) -> Parse:
        """The parser of its labels."""
        return parser(self.task, self.classes)

    def __str__(self) -> str:
        name = self.output or "output"
        if self.task is Task.REGRESSION:
            return f"{name} that is a number"
        if self.task is Task.BINARY:
            return f"{name} from 0 to 1"
        return f"{name} of {len(self.classes)} numbers from 0 to 1"


def _probabilities(found: Floats) -> Floats:
    """Returns NaN for what is not from 0 to 1; for all classes of a row together."""
    with np.errstate(invalid="ignore"):
        fit = (found >= 0) & (found <= 1)
    return np.where(fit if found.ndim == 1 else fit.all(axis=1, keepdims=True), found, np.nan)


def finite(found: Floats) -> NDArray[np.bool_]:
    """Returns which rows are predictions, bool [n], of answers [n] or [n, k]."""
    return np.atleast_1d(np.isfinite(found).reshape(len(found), -1).all(axis=1))
