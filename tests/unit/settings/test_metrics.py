"""Metrics are named by task, and a wrong name is refused with the likely one."""

import pytest

from evergreen.settings.metrics import metric, names
from evergreen.settings.task import Task


@pytest.mark.parametrize("task", list(Task))
def test_every_name_that_is_suggested_is_known(task: Task) -> None:
    classes = ["Adelie", "a class, with {signs}"]
    found = [metric(name, task, classes) for name in names(task, classes)]
    assert [known.name for known in found] == names(task, classes)
    assert {"example_count"} < set(names(task))


def test_a_name_has_an_argument() -> None:
    assert metric("top_12_accuracy", Task.MULTICLASS).argument == "12"
    assert metric("quantile_loss_0.95", Task.REGRESSION).argument == "0.95"
    assert metric("recall/two words", Task.MULTICLASS, ["two words"]).argument == "two words"


WRONG = {
    "acuracy": (Task.BINARY, "no metric acuracy of a binary model; did you mean accuracy?"),
    "auc": (Task.REGRESSION, "auc is a metric of binary, and .* is regression; there are: mae,"),
    "mae": (Task.MULTICLASS, "mae is a metric of regression, and the model's task is multiclass"),
    "recall/Adlie": (Task.MULTICLASS, "did you mean recall/Adelie?"),
    "top_1_accuracy": (Task.MULTICLASS, "did you mean top_._accuracy?"),
    "quantile_loss_1.5": (Task.REGRESSION, "did you mean quantile_loss_0.5?"),
    "x" * 100_000: (Task.REGRESSION, "there are: mae, rmse"),
}


@pytest.mark.parametrize(("name", "expected"), WRONG.items(), ids=[name[:20] for name in WRONG])
def test_what_does_not_fit_is_refused(name: str, expected: tuple[Task, str]) -> None:
    task, words = expected
    with pytest.raises(ValueError, match=words):
        metric(name, task, ["Adelie"] if task is Task.MULTICLASS else ())
