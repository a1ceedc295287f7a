"""Workers ingest the files of a span, and what they make of them is what one process makes."""

from pathlib import Path

import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from evergreen.components.example_gen.ingestion import ingest
from evergreen.components.example_gen.on_beam import ingest_on_beam
from evergreen.components.example_gen.writer import Form
from tests.flink.conftest import Engine
from tests.unit.components.example_gen.test_on_beam import contents, trips


def test_files_rows_and_refusals_are_those_of_one_process(engine: Engine, tmp_path: Path) -> None:
    files = [tmp_path / f"part-{number:05d}.parquet" for number in range(4)]
    for file in files:
        pq.write_table(trips(file.stem, 200), file)
    files.append(tmp_path / "part-00004.csv")
    pacsv.write_csv(trips("text", 200), files[-1])
    form = Form({"id": "BYTES", "fare": "FLOAT"}, "id", {"train": 3, "eval": 1, "test": 1})
    here, there = tmp_path / "here", tmp_path / "there"
    mine, repeated = ingest(files, form, here / "examples", here / "rejected")
    theirs, repeated_there = ingest_on_beam(
        files, form, there / "examples", there / "rejected", engine.args
    )
    assert contents(there) == contents(here)
    assert theirs.report() == mine.report()
    assert mine.rows == 50
    assert repeated_there == repeated == 5
