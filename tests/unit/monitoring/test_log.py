"""The log is read by window, in batches whose size does not depend on the files."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.monitoring.log import BATCH_BYTES, BATCH_ROWS, Log
from evergreen.monitoring.results import Window
from evergreen.serving.gateway.prediction_log.files import SCHEMA
from tests.project import ROOT
from tests.unit.monitoring.world import BEFORE, DAY, TODAY, WINDOW, Trips, World


def test_a_window_starts_and_ends_where_it_says(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.log(Trips(rows=240), BEFORE)
    world.log(Trips(rows=240), WINDOW)
    folder = world.settings.gateway.log.folder
    half = Window(start=TODAY - 1.5 * DAY, end=TODAY - 0.5 * DAY)
    assert sum(map(len, Log(folder, "taxi").read(half, ["time"]))) == 240
    assert not list(Log(folder, "other").read(half, ["time"]))


def test_small_files_make_large_batches_and_large_files_small_ones(tmp_path: Path) -> None:
    world = World(tmp_path)
    for seed in range(3):
        world.log(Trips(rows=20, seed=seed))
    folder = world.settings.gateway.log.folder
    assert [len(batch) for batch in Log(folder, "taxi").read(WINDOW, ["row"])] == [60]
    world.log(Trips(rows=2 * BATCH_ROWS + 5))
    sizes = [len(batch) for batch in Log(folder, "taxi").read(WINDOW, ["row"])]
    assert sum(sizes) == 2 * BATCH_ROWS + 65
    assert max(sizes) < 2 * BATCH_ROWS


def test_a_file_that_is_not_finished_is_not_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.log(Trips(rows=20))
    [file] = world.settings.gateway.log.folder.rglob("*.parquet")
    file.with_name(f".{file.name}").write_bytes(b"half")
    folder = world.settings.gateway.log.folder
    assert sum(map(len, Log(folder, "taxi").read(WINDOW, ["row"]))) == 20


def foreign(day: Path) -> dict[str, Path]:
    """What else lies in a log, by what is to be said of it."""
    good = next(day.glob("*.parquet"))
    table = pq.read_table(good)
    made = {
        "size is 0 bytes": day / "empty.parquet",
        "magic bytes": day / "cut.parquet",
        "has not one request_id": day / "other.parquet",
        "a row has no request_id": day / "null.parquet",
        "is a copy of": day / "zz (copy).parquet",
        "no Parquet file": day / "notes.txt",
        "is no Parquet file": day / "folder.parquet",
        "is no folder of a day": day.with_name("date=old"),
        "no folder of a day": day.with_name("date=2026-01-02 (copy)"),
        "folder of a day": day.with_name("date=notes.txt"),
    }
    files = iter(made.values())
    next(files).touch()
    next(files).write_bytes(good.read_bytes()[:500])
    pq.write_table(pa.table({"a": [1]}), next(files))
    ids = pa.array([None, *table["request_id"].to_pylist()[1:]])
    pq.write_table(table.set_column(0, "request_id", ids), next(files))
    next(files).write_bytes(good.read_bytes())
    next(files).write_text("mine")
    for folder in [next(files) for _ in range(3)]:
        folder.mkdir()
    next(files).touch()
    return made


def test_what_is_no_log_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.log(Trips(rows=20))
    folder = world.settings.gateway.log.folder
    [day] = folder.iterdir()
    made = foreign(day)
    log = Log(folder, "taxi")
    for _ in range(2):
        assert sum(map(len, log.read(WINDOW, ["request_id"]))) == 20
    assert log.count(WINDOW) == 20
    notes = log.left_out.sentences
    assert len(notes) == len(made)
    for words, file in made.items():
        assert any(f"{file}: " in note and words in note for note in notes), (words, notes)
    assert len(log.left_out.notes) == 6
    assert log.left_out.notes[-1] == "predictions left out: and 5 more files"


def test_a_damaged_file_is_read_up_to_the_damage(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.log(Trips(rows=2000))
    folder = world.settings.gateway.log.folder
    [file] = folder.rglob("*.parquet")
    pq.write_table(pq.read_table(file), file, row_group_size=500)
    group = pq.ParquetFile(file).metadata.row_group(3).column(0)
    content = bytearray(file.read_bytes())
    start = group.dictionary_page_offset or group.data_page_offset
    content[start : start + 60] = bytes(60)
    file.write_bytes(content)
    log = Log(folder, "taxi")
    assert sum(map(len, log.read(WINDOW, ["request_id"]))) <= 1500
    assert [str(file) in note and "cannot be read" in note for note in log.left_out.notes] == [True]


def test_columns_of_other_types_with_the_same_values_are_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.log(Trips(rows=20))
    folder = world.settings.gateway.log.folder
    [file] = folder.rglob("*.parquet")
    table = pq.read_table(file)
    times = table["time"].cast(pa.timestamp("ms"))  # without a zone
    table = table.set_column(2, "time", times).set_column(1, "row", table["row"].cast(pa.int64()))
    pq.write_table(table.set_column(3, "model", table["model"].dictionary_encode()), file)
    log = Log(folder, "taxi")
    [batch] = log.read(WINDOW, ["row", "time"])
    assert (len(batch), batch.schema.types) == (20, [pa.int32(), pa.timestamp("us", "UTC")])
    assert not log.left_out.notes


def test_long_rows_make_small_batches(tmp_path: Path) -> None:
    world = World(tmp_path)
    for seed in range(6):
        trips = Trips(rows=30, seed=seed)
        trips.columns["company"] = ["x" * 2**20] * 30
        world.log(trips)
    folder = world.settings.gateway.log.folder
    batches = list(Log(folder, "taxi").read(WINDOW, ["features"]))
    assert sum(map(len, batches)) == 180
    assert max(batch.nbytes for batch in batches) < 2 * BATCH_BYTES


def peak(folder: Path, rows: int, names: int) -> dict[str, int]:
    """Logs rows with as many names of their own each, and reads them in another process."""
    texts = (
        json.dumps({"trip_miles": 1.5, **{f"{row}-{at}": at for at in range(names)}})
        for row in range(rows)
    )
    columns = {
        "request_id": [str(row) for row in range(rows)], "row": [0] * rows,
        "time": [WINDOW.start] * rows, "model": ["taxi"] * rows, "version": [1] * rows,
        "arm": ["stable"] * rows, "signature": [""] * rows, "features": list(texts),
        "outputs": ["{}"] * rows,
    }  # fmt: skip
    day = folder / f"{rows}/date=2026-01-30"
    day.mkdir(parents=True)
    pq.write_table(pa.table(columns, SCHEMA), day / "a.parquet")
    command = [sys.executable, "-m", "tests.unit.monitoring.memory", str(day.parent)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def test_names_without_end_take_no_memory(tmp_path: Path) -> None:
    few, many, bomb = (peak(tmp_path, *size) for size in [(500, 0), (8000, 40), (3, 500_000)])
    assert (many["rows"], many["unknown"]) == (8000, 8000)
    assert many["peak"] < few["peak"] + 64
    assert bomb["rows"] == 0
    assert bomb["peak"] < few["peak"] + 128
