"""One project, and runs of the whole pipeline that the tests only read.

The runs build on each other, as a user's would: the first model, the same again, one more span, a
worse model, bad data. Each is made once for all tests.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore
from rich.console import Console

from data.taxi.spans import cut
from evergreen.lineage.nodes import NodeReader, NodeState
from evergreen.lineage.store import open_store
from evergreen.planning.plan import Request, RunRecord
from evergreen.running.run import Run
from evergreen.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """A finished run.

    Attributes:
        record: Its record.
        text: What a person saw.
        nodes: States by part (`span-00001-v01`, `train`) and node.
    """

    record: RunRecord
    text: str
    nodes: dict[str, dict[str, NodeState]]


class Project:
    """The repository's project, with everything it writes in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = self.with_settings()
        self.store: MetadataStore = open_store(self.settings.metadata)

    def with_settings(self, *overrides: str) -> Settings:
        places = [
            f"pipeline.root={self.folder}/pipeline",
            f"data.spans={self.folder}/spans",
            f"metadata.sqlite={self.folder}/metadata.sqlite",
            f"serving.base_path={self.folder}/serving",
            f"logs.folder={self.folder}/logs",
        ]
        return load_settings(ROOT, overrides=[*places, *overrides])

    def run(self, spans: str, overrides: Sequence[str] = (), **request: bool) -> Ran:
        shown = Console(file=io.StringIO(), width=120)
        asked = Request(spans=spans, requested_by="tester", reason="a test", **request)
        record = Run(self.with_settings(*overrides), shown)(asked)
        parts = [span.label for span in record.to_ingest] + ["train"]
        return Ran(
            record, shown.file.getvalue(), {part: self.nodes(record, part) for part in parts}
        )

    def nodes(self, record: RunRecord, part: str) -> dict[str, NodeState]:
        states = NodeReader(self.store).states(record.pipeline, f"{record.run_id}.{part}")
        return {state.node_id: state for state in states}

    def pushed(self) -> dict[str, bytes]:
        """Every file that a model server would find, by its path."""
        base = self.settings.serving.base_path
        files = (path for path in base.rglob("*") if path.is_file())
        return {str(path.relative_to(base)): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("project"))
    data = project.settings.data
    cut(None, data.span_root, data.period, data.format)
    return project


@pytest.fixture(scope="session")
def first(project: Project) -> Ran:
    """The first run: two spans, no baseline."""
    return project.run("1-2")


@pytest.fixture(scope="session")
def again(project: Project, first: Ran) -> Ran:
    """The same request once more."""
    return project.run("1-2")


@pytest.fixture(scope="session")
def grown(project: Project, again: Ran) -> Ran:
    """One more span."""
    return project.run("1-3")


@pytest.fixture(scope="session")
def worse(project: Project, grown: Ran) -> Ran:
    """The window of the first run, and a model that hardly learns."""
    weak = ["model.hyperparameters.max_epochs=1", "model.hyperparameters.learning_rate=1e-6"]
    return project.run("1-2", weak)
