"""The gate decides by the metrics of the models' task, and its report holds what charts show."""

from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from evergreen.components.evaluator import component as evaluator
from evergreen.components.model_gate.component import ModelGate, _own
from evergreen.evaluation.verdicts import judge_comparisons
from evergreen.runs.reports.model import ModelReport
from evergreen.settings.gates import Bound, Criteria, NotWorse
from evergreen.settings.slicing import Slicing
from evergreen.settings.task import Task
from tests.unit.components.evaluator.test_component import (
    answering,
    artifact_of,
    evaluate,
    rows,
)
from tests.unit.components.rows import write_split
from tests.unit.evaluation.simulated import simulate

CLASSES = {Task.MULTICLASS: ["early", "noon", "late"], Task.REGRESSION: []}
NAMED = {
    Task.MULTICLASS: ("log_loss", "macro_f1", "top_2_accuracy", "recall/late"),
    Task.REGRESSION: ("rmse", "r2", "quantile_loss_0.9", "mean_error"),
}


@pytest.fixture(scope="module", params=list(CLASSES))
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModelReport:
    task, folder = request.param, tmp_path_factory.mktemp("gate")
    models = answering(task, folder)
    write_split(
        folder / "examples", "test", [{**row, "id": [at]} for at, row in enumerate(rows(210))]
    )
    examples = artifact_of(folder / "examples")
    evaluation = standard_artifacts.ModelEvaluation()
    evaluation.uri = str(evaluate(evaluator.Executor, examples, models, folder / "columns", task))
    loss = NAMED[task][0]
    criteria = Criteria(
        bounds=tuple(Bound(metric=name, at_least=-1000.0) for name in NAMED[task]),
        not_worse=(
            NotWorse(metric=loss, margin=1000.0),
            NotWorse(metric=loss, margin=0.0, by=(Slicing(feature="payment_type"),)),
        ),
        min_rows=20,
        min_class_rows=3,
        resamples=100,
    )
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(folder / "blessing")
    Path(blessing.uri).mkdir()
    ModelGate.EXECUTOR_SPEC.executor_class().Do(
        {"examples": [examples], **models, "evaluation": [evaluation]},
        {"blessing": [blessing]},
        {
            "criteria": criteria.model_dump_json(),
            "label": "big_tip",
            "split": "test",
            "baseline_version": 1,
            "task": task.value,
            "classes": CLASSES[task],
        },
    )
    return ModelReport.model_validate_json(Path(blessing.uri, "report.json").read_bytes())


def test_it_measures_what_the_bounds_name_besides_what_the_evaluator_did(
    report: ModelReport,
) -> None:
    assert set(NAMED[report.task]) < set(report.candidate)
    assert report.baseline is not None
    assert report.baseline.keys() == report.candidate.keys()
    assert report.candidate["example_count"] == 180
    assert report.unlabelled == 30
    assert report.classes == tuple(CLASSES[report.task])


def test_it_compares_by_the_loss_of_the_task_overall_and_on_slices(report: ModelReport) -> None:
    compared = [verdict for verdict in report.verdicts if verdict.compares]
    assert [verdict.slice for verdict in compared][:1] == ["all rows"]
    assert {verdict.metric for verdict in compared} == {NAMED[report.task][0]}
    assert all(verdict.interval for verdict in compared)
    assert all(verdict.positives is None for verdict in compared)
    assert len(report.slices) == 4
    assert all(NAMED[report.task][0] in part.candidate.known for part in report.slices)


def test_its_curves_are_those_of_the_task(report: ModelReport) -> None:
    curves = report.curves["candidate"]
    assert curves is not None
    assert curves.roc == ()
    if report.task is Task.REGRESSION:
        assert report.scores is None
        assert curves.joint is not None
        assert sum(map(sum, curves.joint.counts)) == 180
        assert curves.residuals is not None
        assert sum(curves.residuals.counts) == 180
        assert sum(part.rows for part in curves.calibration) == 180
    else:
        assert list(curves.reliability) == CLASSES[report.task]
        assert sum(sum(row.values()) for row in curves.confusion.values()) == 180
        assert report.scores is not None
        assert sum(report.scores.counts) == 180


def test_a_model_has_one_auc_whatever_the_evaluator_says_of_it() -> None:
    rows = simulate(1)
    criteria = Criteria(
        bounds=(Bound(metric="auc", at_least=0.5),),
        not_worse=(NotWorse(metric="auc", margin=0.01),),
        resamples=100,
    )
    [compared] = judge_comparisons(criteria, rows)
    approximate = {"auc": 0.1, "log_loss": 0.2}
    found = approximate | _own(criteria, rows, rows.candidate, approximate)
    assert found["auc"] == pytest.approx(compared.value, abs=1e-12)
    assert found["log_loss"] == 0.2
