"""The log is read by window, in batches whose size does not depend on the files."""

from pathlib import Path

from evergreen.monitoring.findings import Window
from evergreen.monitoring.log import BATCH_ROWS, read
from tests.unit.monitoring.world import BEFORE, DAY, TODAY, WINDOW, Trips, World


def test_a_window_starts_and_ends_where_it_says(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.log(Trips(rows=240), BEFORE)
    world.log(Trips(rows=240), WINDOW)
    folder = world.settings.gateway.log.folder
    half = Window(start=TODAY - 1.5 * DAY, end=TODAY - 0.5 * DAY)
    assert sum(map(len, read(folder, "taxi", half, ["time"]))) == 240
    assert not list(read(folder, "other", half, ["time"]))


def test_small_files_make_large_batches_and_large_files_small_ones(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(3):
        world.log(Trips(rows=20))
    folder = world.settings.gateway.log.folder
    assert [len(batch) for batch in read(folder, "taxi", WINDOW, ["row"])] == [60]
    world.log(Trips(rows=2 * BATCH_ROWS + 5))
    sizes = [len(batch) for batch in read(folder, "taxi", WINDOW, ["row"])]
    assert sum(sizes) == 2 * BATCH_ROWS + 65
    assert max(sizes) < 2 * BATCH_ROWS


def test_a_file_that_is_not_finished_is_not_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.log(Trips(rows=20))
    [file] = world.settings.gateway.log.folder.rglob("*.parquet")
    file.with_name(f".{file.name}").write_bytes(b"half")
    folder = world.settings.gateway.log.folder
    assert sum(map(len, read(folder, "taxi", WINDOW, ["row"]))) == 20
