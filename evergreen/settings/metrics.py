"""The metrics of models, by task: what criteria, monitors and reports may name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evergreen.errors import closest
from evergreen.settings.task import Task

BINARY, MULTICLASS, REGRESSION = Task
CLASSES = (BINARY, MULTICLASS)


@dataclass(frozen=True)
class Metric:
    """A metric of a model.

    Attributes:
        family: Its name, with `{k}`, `{q}` or `{class}` in the place of an argument.
        tasks: The tasks that it fits.
        better: 1 if higher is better, -1 if lower is; 0 if a value in between is best.
        paired: Whether a candidate is compared with the baseline by it.
        by_slice: Whether also on slices, which may have few rows.
        argument: A number, or a class.
    """

    family: str
    tasks: tuple[Task, ...]
    better: int
    paired: bool = True
    by_slice: bool = True
    argument: str = ""

    @property
    def name(self) -> str:
        """Its name, with the argument."""
        return re.sub(PLACE, lambda _: self.argument, self.family)


COUNT = "example_count"
TABLE = (
    Metric("log_loss", CLASSES, -1),
    Metric("brier", CLASSES, -1),
    Metric("accuracy", CLASSES, 1),
    Metric("auc", (BINARY,), 1, by_slice=False),
    Metric("calibration", (BINARY,), 0, paired=False),  # mean prediction over mean label
    Metric("calibration_error", CLASSES, -1, paired=False),
    Metric("top_{k}_accuracy", (MULTICLASS,), 1),
    Metric("macro_f1", (MULTICLASS,), 1, by_slice=False),
    Metric("recall/{class}", (MULTICLASS,), 1, paired=False),
    Metric("precision/{class}", (MULTICLASS,), 1, paired=False),
    Metric("mae", (REGRESSION,), -1),
    Metric("rmse", (REGRESSION,), -1),
    Metric("r2", (REGRESSION,), 1, by_slice=False),
    Metric("quantile_loss_{q}", (REGRESSION,), -1),
    Metric("mean_error", (REGRESSION,), 0, paired=False),  # mean prediction less mean label
    Metric(COUNT, tuple(Task), 1, paired=False),  # rows with a label
)
MAIN = {
    BINARY: ("log_loss", "auc"),
    MULTICLASS: ("log_loss", "accuracy"),
    REGRESSION: ("rmse", "mae"),
}
"""The metrics that each slice has, and that summaries show: first the loss."""
PLACE = r"\{.*\}"
PATTERNS = {"{k}": r"[2-9]|[1-9]\d+", "{q}": r"0\.\d*[1-9]", "{class}": ".+"}
"""What may be an argument: a rank from 2 on, a share between 0 and 1, a class."""
SHOWN = {"{k}": ("2", "3"), "{q}": ("0.1", "0.5", "0.9")}
"""The arguments that are suggested."""


def metric(name: str, task: Task, classes: Sequence[str] = ()) -> Metric:
    """Returns a metric of a task by its name.

    Args:
        name: Such as `log_loss`, `top_2_accuracy`, `recall/Adelie` or `quantile_loss_0.9`.
        task: The model's task.
        classes: The names of its classes.

    Raises:
        ValueError: If there is no such metric, or it does not fit the task.
    """
    found = [known for listed in TABLE if (known := _named(name, listed, classes))]
    fitting = [known for known in found if task in known.tasks]
    if fitting:
        return fitting[0]
    all_ = f"there are: {', '.join(names(task))}"
    if found:
        fits = " and ".join(found[0].tasks)
        raise ValueError(f"{name} is a metric of {fits}, and the model's task is {task}; {all_}")
    close = closest(name, names(task, classes))
    meant = f"did you mean {close}?" if close else all_
    raise ValueError(f"there is no metric {name} of a {task} model; {meant}")


def plain(task: Task) -> list[str]:
    """Returns the names of a task's metrics without an argument, but for the number of rows."""
    return [
        known.family
        for known in TABLE
        if task in known.tasks and "{" not in known.family and known.family != COUNT
    ]


def names(task: Task, classes: Sequence[str] = ()) -> list[str]:
    """Returns the names of a task's metrics; of those with an argument, likely ones."""
    return [
        replace(known, argument=argument).name
        for known in TABLE
        if task in known.tasks
        for argument in _arguments(known, classes)
    ]


def _arguments(known: Metric, classes: Sequence[str]) -> Sequence[str]:
    place = re.search(PLACE, known.family)
    return SHOWN.get(place[0], classes or (place[0],)) if place else ("",)


def _named(name: str, known: Metric, classes: Sequence[str]) -> Metric | None:
    """Returns a metric of the table with its argument; None if the name is not one of it."""
    before, *after = re.split(PLACE, known.family)
    place = known.family[len(before) : len(known.family) - len("".join(after))]
    expected = PATTERNS.get(place, "")
    match = re.fullmatch(f"{before}({expected}){''.join(after)}", name)
    if not match or (place == "{class}" and classes and match[1] not in classes):
        return None
    return replace(known, argument=match[1])
