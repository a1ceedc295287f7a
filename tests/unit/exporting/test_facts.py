"""Facts about a version tell other registries what it predicts."""

from pathlib import Path

from evergreen.exporting.facts import MOST, facts
from tests.unit.lineage.worlds import World


def test_task_and_classes_are_tags_and_metrics_of_classes_have_their_names(tmp_path: Path) -> None:
    world = World.make(tmp_path, 1)
    [version], [record] = world.lineage.versions(), world.records
    metrics = {"test": {"accuracy": 0.9, "recall/Adélie": 0.8}}
    results = record.results.model_copy(update={"metrics": metrics})
    classes = ["Adélie", 'says "hi"', *(f"class {at}" for at in range(1000))]
    model = {"task": "multiclass", "classes": classes, "hyperparameters": {"epochs": 3}}
    found = facts(version, record.model_copy(update={"results": results}), model)
    assert found.tags["evergreen.task"] == "multiclass"
    assert found.tags["evergreen.classes"].startswith('["Adélie", "says \\"hi\\"", "class 0"')
    assert len(found.tags["evergreen.classes"]) == MOST
    assert found.metrics == {"test/accuracy": 0.9, "test/recall/Adélie": 0.8}
    assert found.params["epochs"] == "3"


def test_runs_of_before_have_no_task(tmp_path: Path) -> None:
    world = World.make(tmp_path, 1)
    [version] = world.lineage.versions()
    assert "evergreen.task" not in facts(version, world.records[0], {}).tags
