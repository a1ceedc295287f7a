"""Beam-based nodes of the real pipeline, on a runner with workers, give what they give here.

The whole pipeline runs with the overlay; then each of its nodes is computed again in this process,
on the same inputs. How runners bundle rows moves the last digits of sums, and the boundaries of
quantiles within the error that they are asked for (0.001 of the rows).
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from google.protobuf.json_format import MessageToDict
from tensorflow_metadata.proto.v0 import statistics_pb2

from data.taxi.spans import cut
from evergreen.lineage.nodes import outputs
from evergreen.tabular.rows import read_rows
from evergreen.tabular.transformer import Transformer
from tests.flink.conftest import Engine
from tests.flink.recomputing import recompute
from tests.project import Project, Ran

INGEST, TRAIN = "span-00001-v01", "train"
SUMS = 1e-6
"""Relative: of means, deviations and metrics."""
RANKS, STEP = 0.002, 1 / 30 + 1e-6
"""Of numbers that are ranked among quantiles, from 0 to 1: in the mean, and of a value that many
rows have, which another quantile may fall on."""
SPLITS = ("train", "eval", "test")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("project"))
    data = project.settings.data
    cut(None, data.span_root, data.period, data.format)
    return project


@pytest.fixture(scope="module")
def ran(project: Project, engine: Engine) -> Ran:
    args = ",".join(f"'{arg}'" for arg in engine.args)
    return project.run("1", [f"beam.args=[{args}]"])


def test_the_run_pushes_a_model(ran: Ran) -> None:
    assert all(node.succeeded for part in ran.nodes.values() for node in part.values())
    assert "pushed version" in ran.text


def test_nodes_take_the_runner_that_is_named(ran: Ran) -> None:
    nodes = {**ran.nodes[INGEST], **ran.nodes[TRAIN]}
    on_beam = ("StatisticsGen", "Transform", "Evaluator")
    assert {nodes[name].computed for name in on_beam} == {"as beam.args say"}


def test_statistics_are_those_of_one_process(project: Project, ran: Ran, tmp_path: Path) -> None:
    there, here = recompute(project, ran, INGEST, "StatisticsGen", tmp_path)
    for split in SPLITS:
        file = Path(f"Split-{split}", "FeatureStats.pb")
        mine = statistics(here["statistics"] / file)
        theirs = statistics(there["statistics"] / file)
        assert len(mine) > 10
        assert theirs.keys() == mine.keys()
        for feature, figures in mine.items():
            assert_same(flat(theirs[feature]), flat(figures))


def test_rows_are_transformed_as_in_one_process(project: Project, ran: Ran, tmp_path: Path) -> None:
    there, here = recompute(project, ran, TRAIN, "Transform", tmp_path)
    [examples] = outputs(project.store, ran.nodes[INGEST]["ExampleGen"].execution_id, "examples")
    for split in ("train", "eval"):
        theirs, mine = (
            read_rows(
                [f"{examples.uri}/Split-{split}/*"],
                Transformer(tft.TFTransformOutput(str(graph["transform_graph"]))),
                "big_tip",
            )
            for graph in (there, here)
        )
        assert np.array_equal(theirs.labels, mine.labels)
        for name, values in mine.features.items():
            difference = np.abs(theirs.features[name] - values)
            is_rank = np.issubdtype(values.dtype, np.floating)
            assert difference.mean() <= (RANKS if is_rank else 0), name
            assert difference.max() <= (STEP if is_rank else 0), name
    assert vocabularies(there["transform_graph"]) == vocabularies(here["transform_graph"])


def test_metrics_are_those_of_one_process(project: Project, ran: Ran, tmp_path: Path) -> None:
    there, here = recompute(project, ran, TRAIN, "Evaluator", tmp_path)
    theirs, mine = metrics(there["evaluation"]), metrics(here["evaluation"])
    assert len(mine) > 5
    assert theirs.keys() == mine.keys()
    for part, figures in mine.items():
        assert_same(theirs[part], figures)


def statistics(file: Path) -> dict[str, dict[str, Any]]:
    """The figures of each feature."""
    found = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
    [dataset] = found.datasets
    return {"/".join(feature.path.step): MessageToDict(feature) for feature in dataset.features}


def assert_same(theirs: dict[str, Any], mine: dict[str, Any]) -> None:
    """Figures are equal; those that are not whole, nearly so."""
    sums = {name for name, value in mine.items() if isinstance(value, float)}
    assert {name: value for name, value in theirs.items() if name not in sums} == {
        name: value for name, value in mine.items() if name not in sums
    }
    close = pytest.approx({name: mine[name] for name in sums}, rel=SUMS, nan_ok=True)
    assert {name: theirs[name] for name in sums} == close


def flat(figures: Any, name: str = "") -> dict[str, Any]:
    """Figures by their place."""
    if not isinstance(figures, dict | list):
        return {name: figures}
    pairs = figures.items() if isinstance(figures, dict) else enumerate(figures)
    return {key: value for at, item in pairs for key, value in flat(item, f"{name}/{at}").items()}


def vocabularies(folder: Path) -> dict[str, bytes]:
    files = sorted(folder.glob("transform_fn/assets/*"))
    assert files
    return {file.name: file.read_bytes() for file in files}


def metrics(folder: Path) -> dict[str, dict[str, float]]:
    """The figures of each part of the data."""
    result = tfma.load_eval_result(str(folder))
    return {str(part): numbers(found) for part, found in result.slicing_metrics}


def numbers(found: dict[str, Any]) -> dict[str, float]:
    values = {name: value for name, value in flat(found).items() if name.endswith("/doubleValue")}
    assert values
    return values
