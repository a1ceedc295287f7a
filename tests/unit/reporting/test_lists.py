"""Lists show the metrics that there are, whatever the task of the runs."""

import pytest

from evergreen.reporting.lists import headlines, metrics_on_test
from evergreen.runs.plan import Results, RunRecord
from tests.unit.lineage.making import make_record


def ran(**metrics: float | None) -> RunRecord:
    return make_record("run", results=Results(metrics={"test": metrics}, gates={}))


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"accuracy": 0.8, "log_loss": 0.2, "auc": 0.9, "calibration": 1},
         ["auc", "log_loss", "calibration"]),
        ({"example_count": 9, "macro_f1": 0.7, "accuracy": 0.8, "log_loss": 0.5},
         ["log_loss", "accuracy", "macro_f1"]),
        ({"r2": 0.5, "mae": 4, "rmse": 5, "mean_error": 0}, ["rmse", "mae", "r2"]),
        ({"of_my_own": 1}, []),
    ],
)  # fmt: skip
def test_the_most_telling_metrics_of_each_task_come_first(
    metrics: dict[str, float], expected: list[str]
) -> None:
    assert headlines([None, ran(**metrics), make_record("another")], 3) == expected


def test_runs_of_before_have_metrics_by_their_present_names() -> None:
    old = ran(binary_crossentropy=0.19, auc=0.95)
    assert metrics_on_test(old) == {"log_loss": 0.19, "auc": 0.95}
    assert headlines([old, ran(log_loss=0.2)], 2) == ["auc", "log_loss"]
