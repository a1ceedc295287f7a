"""The drawing of a part: every node, what leads to it, and nothing on top of another."""

from pathlib import Path

from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.run_artifacts import PartReader
from evergreen.reporting.graph import Graph
from tests.unit.reporting.telling import State, Story


def draw(store: MetadataStore, folder: Path) -> Graph:
    """Transform -> Trainer -> Evaluator, which reads the examples of an earlier run too."""
    story = Story(store, folder)
    ingested = Story(store, folder, "earlier").node("span", "ExampleGen", {}, "examples")
    schema = story.node("train", "CuratedSchema", {}, "schema", state=State.CACHED)
    graph = story.node("train", "Transform", {**ingested, **schema}, "anomalies")
    model = story.node("train", "Trainer", graph, "model")
    story.node("train", "Evaluator", {**ingested, **model, **graph}, state=State.FAILED)
    return Graph.of(PartReader(store, "taxi", f"{story.record.run_id}.train"))


def test_every_node_is_a_box_with_its_state_in_words(store: MetadataStore, tmp_path: Path) -> None:
    drawn = draw(store, tmp_path / "pipeline")
    boxes = {box.name: box for box in drawn.boxes}
    assert list(boxes) == ["CuratedSchema", "Examples", "Transform", "Trainer", "Evaluator"]
    assert boxes["CuratedSchema"].text == "↺ cached"
    assert boxes["Trainer"].text.startswith("✓ complete · ")
    assert boxes["Evaluator"].text.startswith("✗ failed")
    assert (boxes["Examples"].kind, boxes["Examples"].text) == ("earlier", "#1")
    assert "Evaluator failed" in drawn.label


def test_edges_that_a_longer_way_implies_are_left_away(
    store: MetadataStore, tmp_path: Path
) -> None:
    """Of the seven, Transform and the examples to Evaluator are implied."""
    assert len(draw(store, tmp_path / "pipeline").edges) == 4


def test_boxes_lie_below_what_they_depend_on_and_within_the_drawing(
    store: MetadataStore, tmp_path: Path
) -> None:
    drawn = draw(store, tmp_path / "pipeline")
    heights = [box.y for box in drawn.boxes]
    assert heights == sorted(heights)
    corners = {(box.x, box.y) for box in drawn.boxes}
    assert len(corners) == len(drawn.boxes)
    for box in drawn.boxes:
        assert 0 <= box.x <= drawn.width - box.width
        assert 0 <= box.y <= drawn.height - box.height
