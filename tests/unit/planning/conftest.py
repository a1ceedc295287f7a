"""A project in a temporary folder: real settings, spans and store, with code that may be edited."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.planning.planner import Planner
from evergreen.runs.plan import Request, RunRecord
from evergreen.settings import Settings, load_settings
from evergreen.spans import Span, publish_version
from tests.unit.lineage.making import make_store, put_span

ROOT = Path(__file__).parents[3]
FILES = (
    "definition/graph.py",
    "use_case/model.py",
    "use_case/words.csv",
    "shared/clean.py",
    "lock.txt",
    "schema.pbtxt",
)


@dataclass(frozen=True)
class Bench:
    """A project that plans are made for."""

    folder: Path
    store: MetadataStore

    @property
    def overrides(self) -> list[str]:
        return [
            f"pipeline.definition=[{self.folder / 'definition'}]",
            f"pipeline.use_case=[{self.folder / 'use_case'}]",
            f"pipeline.lock={self.folder / 'lock.txt'}",
            f"pipeline.root={self.folder / 'pipeline'}",
            f"data.spans={self.folder / 'spans'}",
            f"data.schema={self.folder / 'schema.pbtxt'}",
            f"metadata.sqlite={self.folder / 'metadata.sqlite'}",
            f"serving.base_path={self.folder / 'serving'}",
        ]

    def settings(self, *overrides: str) -> Settings:
        return load_settings(ROOT, overrides=[*self.overrides, *overrides])

    def planner(self, *overrides: str) -> Planner:
        return Planner(self.settings(*overrides), self.store)

    def plan(self, *overrides: str, **request: object) -> RunRecord:
        asked = Request.model_validate({"requested_by": "somebody", "reason": "a test"} | request)
        return self.planner(*overrides).plan(asked)

    def publish(self, *numbers: int, value: int = 0) -> Span:
        root = self.folder / "spans" / "year"
        tables = {number: pa.table({"trip_id": [f"{number}/{value}"]}) for number in numbers}
        return [publish_version(root, number, table) for number, table in tables.items()][-1]

    def ingest(self, record: RunRecord, *, blessed: bool = True) -> list[int]:
        """Puts what ingesting the window leaves; returns the ids of the examples."""
        return [
            put_span(
                self.store, self.folder / "art", span.number, span.ingest_key, blessed=blessed
            )[0]
            for span in record.window
        ]

    def edit(self, name: str) -> None:
        file = self.folder / name
        file.write_text(file.read_text() + "# edited\n")

    @property
    def records(self) -> RunRecords:
        return RunRecords(self.store)

    @property
    def registry(self) -> Registry:
        return Registry(self.store, "taxi")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A project with two spans, none of them ingested."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / "use_case/model.py").write_text("from ..shared import clean\n")
    (tmp_path / "schema.pbtxt").write_text('feature { name: "trip_id" type: BYTES }\n')
    bench = Bench(tmp_path, make_store(tmp_path / "metadata.sqlite"))
    bench.publish(1, 2)
    return bench
