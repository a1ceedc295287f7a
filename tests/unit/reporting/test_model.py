"""The section on the model shows what there is of each task."""

from collections.abc import Callable

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.reporting import write_report
from evergreen.runs.plan import ModelRef, Outcome
from evergreen.settings import Settings
from tests.unit.reporting.of_tasks import multiclass_report, regression_report
from tests.unit.reporting.reports import Report, data_report, model_report, serving_report
from tests.unit.reporting.telling import Story, span_ref

Page = Callable[[Report], str]


@pytest.fixture
def page(settings: Settings, store: MetadataStore) -> Page:
    """Writes the page of a run whose model gate has written a report."""

    def page(report: Report) -> str:
        window = {"window": (span_ref(1),), "to_ingest": (span_ref(1),)}
        baseline = {"baseline": ModelRef(version=1, artifact_id=7), "model_version": 2}
        story = Story(store, settings.pipeline.root, **window, **baseline)
        story.ingests(span_ref(1), data_report(1), "fare")
        story.trains(report, serving_report())
        text = write_report(settings, store, story.ends(Outcome.PUSHED)).read_text()
        assert "cannot be shown" not in text
        return text

    return page


def test_a_model_of_classes_has_its_confusion_and_reliability(page: Page) -> None:
    text = page(multiclass_report())
    assert "<strong>Confusion</strong>" in text
    assert 'aria-label="Confusion matrix; ' in text
    assert "most often wrong: " in text
    for name in ("Adelie", "Chinstrap", "Gentoo"):
        assert f'aria-label="Reliability of class {name} in 10 bins' in text
        assert f'<th scope="row">recall/{name}' in text
    assert "17 of its rows have no label" in text
    assert "log loss, smaller is better" in text
    assert "<strong>ROC</strong>" not in text
    assert "of label 1" not in text


def test_a_model_of_values_has_its_labels_beside_predictions_and_its_residuals(page: Page) -> None:
    text = page(regression_report())
    for title in ("Calibration", "Labels and predictions", "Residuals"):
        assert f"<strong>{title}</strong>" in text
    assert "rmse, smaller is better" in text
    assert '<th scope="col" class="n">RMSE</th>' in text
    for other in ("ROC", "Confusion"):
        assert f"<strong>{other}</strong>" not in text
    assert "of label 1" not in text


def test_a_report_of_before_is_one_of_label_1(page: Page) -> None:
    text = page(model_report())
    for title in ("ROC", "Calibration"):
        assert f"<strong>{title}</strong>" in text
    assert '<th scope="col" class="n">of label 1</th>' in text
    assert '<td class="n">0.1900 <small>(0.1700 to 0.2100)</small></td>' in text


@pytest.mark.parametrize("count", [40, 1000])
def test_of_many_classes_the_most_frequent_are_shown(page: Page, count: int) -> None:
    text = page(multiclass_report(tuple(f"class {at}" for at in range(count))))
    assert ">others</text>" in text
    assert len(text) < 400_000


def test_hostile_names_of_classes_are_shown_as_they_are(page: Page) -> None:
    names = ("<script>alert(1)</script>", "a/b", "$x_1^2$", "ordinary")
    text = page(multiclass_report(names))
    assert "<script>alert" not in text
    assert "Reliability of class &lt;script&gt;alert(1)&lt;/script&gt;" in text
