"""The shipped use cases of several classes and of numbers, one after the other in one store."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from data.arrivals.spans import cut as cut_flights
from data.arrivals.spans import read_flights
from data.penguins.spans import cut as cut_penguins
from data.penguins.spans import read_penguins
from evergreen.lineage.nodes import outputs
from evergreen.lineage.registry import Registry
from evergreen.tabular import Table
from evergreen.tabular.rows import Rows, read_rows
from evergreen.tabular.transformer import Transformer
from models.arrivals.features import ARRIVALS
from models.penguins.features import PENGUINS, SPECIES
from tests.project import Project, Ran

UNNAMED = 10
"""Every tenth penguin has no species."""


@dataclass(frozen=True)
class Finished:
    """A use case after its run."""

    project: Project
    ran: Ran
    table: Table

    def folder(self, node: str, key: str, part: str = "train") -> Path:
        execution = self.ran.nodes[part][node].execution_id
        [artifact] = outputs(self.project.store, execution, key)
        return Path(artifact.uri)

    def rows(self, *splits: str) -> Rows:
        """The labelled rows of splits, over all spans, as the trainer sees them."""
        graph = tft.TFTransformOutput(str(self.folder("Transform", "transform_graph")))
        patterns = [
            f"{self.folder('ExampleGen', 'examples', span.label)}/Split-{split}/*"
            for span in self.ran.record.window
            for split in splits
        ]
        return read_rows(patterns, Transformer(graph), self.table)

    def report(self, node: str) -> dict[str, object]:
        return json.loads((self.folder(node, "blessing") / "report.json").read_text())

    def ask(self, columns: Mapping[str, Sequence[object]]) -> dict[str, np.ndarray]:
        """The answer of the pushed model to one list for each column."""
        base = self.project.settings.serving.base_path
        model = tf.saved_model.load(str(base / str(self.ran.record.model_version)))
        signature = model.signatures["raw"]
        _, given = signature.structured_input_signature
        tensors = {name: tf.constant(columns[name], given[name].dtype) for name in given}
        return {name: answer.numpy() for name, answer in signature(**tensors).items()}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("several")


@pytest.fixture(scope="module")
def penguins(store: Path) -> Finished:
    """All penguins, of which some have no species."""
    project, rows = Project(store, "penguins"), read_penguins()
    unnamed = pa.array(np.arange(rows.num_rows) % UNNAMED == 0)
    species = pc.if_else(unnamed, pa.scalar(None, pa.string()), rows["species"])
    pq.write_table(rows.set_column(0, "species", species), store / "penguins.parquet")
    data = project.settings.data
    cut_penguins(store / "penguins.parquet", data.span_root, data.period)
    return Finished(project, project.run("1-3"), PENGUINS)


@pytest.fixture(scope="module")
def arrivals(store: Path, penguins: Finished) -> Finished:
    """Every third flight of two months, in the store of the penguins."""
    project, flights = Project(store, "arrivals"), read_flights()
    few = flights.take(pa.array(_two_months(flights)))
    pq.write_table(few, store / "flights.parquet")
    data = project.settings.data
    cut_flights(store / "flights.parquet", data.span_root, data.period)
    return Finished(project, project.run("1-2"), ARRIVALS)


def _two_months(flights: pa.Table) -> np.ndarray:
    month = flights["scheduled"].to_numpy().astype("datetime64[M]")
    return np.flatnonzero(month <= np.datetime64("2013-02"))[::3]


def test_each_has_a_version_that_serves(penguins, arrivals):
    for finished in (penguins, arrivals):
        assert finished.ran.record.outcome == "pushed", finished.ran.text
        registry = Registry(finished.project.store, finished.project.settings.model.name)
        assert list(registry.versions()) == [1]
        assert registry.serving().version == 1


def test_rows_without_a_label_are_left_out_and_counted(penguins, arrivals):
    for finished in (penguins, arrivals):
        counts = json.loads((finished.folder("Trainer", "model_run") / "metrics.json").read_text())
        test = finished.rows("test")
        assert finished.report("ModelGate")["unlabelled"] == test.left_out > 0
        assert counts["train"]["left_out"] == finished.rows("train").left_out > 0
        assert counts["train"]["example_count"] > 100


def test_the_penguin_model_answers_a_probability_for_each_species(penguins):
    columns = {
        "bill_length_mm": [39.1, 46.5, 46.1],
        "bill_depth_mm": [18.7, 17.9, 13.2],
        "flipper_length_mm": [181.0, 192.0, 211.0],
        "body_mass_g": [3750.0, 3500.0, 4500.0],
        "island": ["Torgersen", "Dream", "Biscoe"],
        "sex": ["male", "female", ""],
    }
    answer = penguins.ask(columns)
    assert [SPECIES[at] for at in np.argmax(answer["probabilities"], axis=1)] == list(SPECIES)


def test_a_flight_that_leaves_later_arrives_later(arrivals):
    rows = {
        "dep_delay": [-5.0, 0.0, 60.0, 600.0],
        "distance": [1400.0] * 4,
        "sched_arr_time": [1819.0] * 4,
        "carrier": ["UA"] * 4,
        "origin": ["EWR"] * 4,
        "dest": ["IAH"] * 4,
        "scheduled": [1_358_000_000] * 4,
    }
    minutes = arrivals.ask(rows)["predictions"]
    assert minutes[1] < minutes[2] < minutes[3]


def test_the_page_of_a_run_names_the_classes(penguins):
    reports = penguins.project.settings.reports.folder
    [page] = reports.glob(f"{penguins.ran.record.run_id}*.html")
    assert all(species in page.read_text() for species in SPECIES)
