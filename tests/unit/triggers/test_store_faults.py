"""The metadata store is locked, gone, or its disk full: nothing is lost or half written."""

import multiprocessing
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ml_metadata.errors import StatusError

from evergreen.errors import EvergreenError
from evergreen.lineage.store import open_store
from evergreen.triggers.log import TYPE, Ended
from tests.mariadb import MariaDb, metadata
from tests.unit.planning.conftest import Bench
from tests.unit.triggers.world import World

LOCK = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


def is_whole(world: World) -> None:
    """The log has no gap, and each start one run and one end."""
    names = [context.name for context in world.store.get_contexts_by_type(TYPE)]
    assert sorted(names) == [f"taxi/{number:08d}" for number in range(1, len(names) + 1)]
    runs = [start.decision.run_id for start in world.log.starts]
    assert runs == [record.run_id for record in world.records]
    assert runs == [entry.run_id for entry in world.log.of(Ended)]
    assert len(runs) == 1


def test_a_lock_is_waited_for(world: World) -> None:
    file = world.bench.folder / "metadata.sqlite"
    line = [sys.executable, "-c", LOCK, file]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline()
        with ThreadPoolExecutor() as pool:
            step = pool.submit(world.step)
            with pytest.raises(TimeoutError):
                step.result(timeout=1)
            other.kill()
            step.result()
    is_whole(world)


def test_a_database_that_is_away_is_waited_for(bench: Bench, mariadb: MariaDb) -> None:
    store = open_store(metadata(mariadb.database()))
    world = World(Bench(bench.folder, store))
    mariadb.stop()
    with ThreadPoolExecutor() as pool:
        step = pool.submit(world.step)
        mariadb.start()
        step.result()
    is_whole(world)


def fill(world: World, left: int) -> None:
    """Steps on a disk with so many bytes left for a file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    files = (world.bench.folder / f"metadata.sqlite{suffix}" for suffix in ("", "-wal"))
    size = max(file.stat().st_size for file in files if file.exists())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + left, size + left))
    try:
        world.step()
    except (EvergreenError, StatusError, OSError):
        sys.exit(3)


@pytest.mark.parametrize("left", [1, 9000, 40000, 90000])
def test_a_full_disk_stops_it_between_two_entries(world: World, tmp_path: Path, left: int) -> None:
    process = multiprocessing.get_context("fork").Process(target=fill, args=(world, left))
    process.start()
    process.join()
    assert process.exitcode == 3
    world.begin()
    world.step()
    is_whole(world)
