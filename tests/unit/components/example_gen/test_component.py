"""The node ingests the content that the run was planned with, and no other."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from tfx.types import standard_artifacts

from evergreen.components.artifacts import RejectedRows
from evergreen.components.example_gen.component import ExampleGen
from evergreen.errors import DataError
from evergreen.spans import Span, publish_version
from tests.unit.components.rows import read_split

SPLITS = {"train": 3, "eval": 1, "test": 1}


def ingest(folder: Path, span: Span, splits: dict[str, int] = SPLITS) -> Path:
    examples, rejected = standard_artifacts.Examples(), RejectedRows()
    examples.uri, rejected.uri = str(folder / "examples"), str(folder / "rejected")
    for artifact in (examples, rejected):
        Path(artifact.uri).mkdir(parents=True)
    parameters = {
        "span_path": str(span.path),
        "span": span.number,
        "version": span.version,
        "sha256": span.sha256,
        "columns": {"id": "BYTES"},
        "key": "id",
        "splits": splits,
        "compression": "none",
        "missing": [],
        "beam_args": [],
    }
    executor = ExampleGen.EXECUTOR_SPEC.executor_class()
    executor.Do({}, {"examples": [examples], "rejected": [rejected]}, parameters)
    return Path(examples.uri)


def test_a_folder_with_another_content_than_was_planned_is_refused(tmp_path: Path) -> None:
    planned = publish_version(tmp_path / "spans", 1, pa.table({"id": ["a", "b"]}))
    ingest(tmp_path / "first", planned)
    other = publish_version(tmp_path / "others", 1, pa.table({"id": ["c", "d"]}))
    shutil.rmtree(planned.path)
    shutil.copytree(other.path, planned.path)  # whole and valid, at the same place
    with pytest.raises(DataError, match=r"version-01: holds another content \(SHA-256 "):
        ingest(tmp_path / "second", planned)
    assert not [file for file in (tmp_path / "second").rglob("*") if file.is_file()]


def test_the_order_in_which_splits_are_listed_moves_no_row(tmp_path: Path) -> None:
    span = publish_version(tmp_path / "spans", 1, pa.table({"id": [str(at) for at in range(99)]}))
    first = ingest(tmp_path / "one", span)
    other = ingest(tmp_path / "other", span, dict(sorted(SPLITS.items(), reverse=True)))
    for split in SPLITS:
        assert read_split(first, split) == read_split(other, split) != []
