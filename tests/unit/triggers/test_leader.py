"""Of several controllers one leads; when it is gone, however it went, another one does."""

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Queue
from threading import Event, Thread

import pytest

from evergreen.settings.metadata import MySqlSettings
from evergreen.triggers.leader import FileLease, KeptLease, Lease, MySqlLease
from tests.mariadb import MariaDb


def hold(make: type, arguments: tuple, channel: Connection) -> None:
    channel.send(make(*arguments).held())
    channel.recv()  # until it is killed


def leave_to_another_process(make: type, *arguments: object) -> None:
    """Another process leads and is killed."""
    mine: Lease = make(*arguments)
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=hold, args=(make, arguments, there)
    )
    process.start()
    assert here.recv() is True
    assert mine.held() is False
    assert mine.is_taken()
    process.kill()
    process.join()
    there.close()
    assert not mine.is_taken()


def test_a_file_is_let_go_by_a_process_that_is_killed(tmp_path: Path) -> None:
    assert not FileLease(tmp_path / "leader").is_taken()
    leave_to_another_process(FileLease, tmp_path / "leader")
    lease = FileLease(tmp_path / "leader")
    assert lease.held()
    assert lease.held()
    assert not FileLease(tmp_path / "leader").held()


@pytest.fixture
def database(mariadb: MariaDb) -> MySqlSettings:
    return mariadb.database()


def test_of_many_hosts_one_leads(database: MySqlSettings) -> None:
    first, other = (MySqlLease(database, "taxi", 60) for _ in range(2))
    assert not other.is_taken()
    assert [first.held(), other.held(), first.held()] == [True, False, True]
    assert other.is_taken()
    assert MySqlLease(database, "another", 60).held()


def test_who_lost_the_connection_leads_on_unless_another_one_does(
    database: MySqlSettings, mariadb: MariaDb
) -> None:
    lease, other = (MySqlLease(database, "taxi", 60) for _ in range(2))
    assert lease.held()
    mariadb.kill_connections()
    assert lease.held()
    mariadb.kill_connections()
    assert other.held()
    assert not lease.held()


def test_a_server_lets_go_of_a_holder_that_says_nothing(database: MySqlSettings) -> None:
    silent, other = MySqlLease(database, "taxi", 1), MySqlLease(database, "taxi", 60)
    assert silent.held()
    while not other.held():  # ends when the server's patience does, or by the test's deadline
        pass
    assert not silent.held()


def test_a_lease_is_kept_beside_a_step_that_takes_long(database: MySqlSettings) -> None:
    taken, stop = Event(), Event()
    kept = KeptLease(MySqlLease(database, "taxi", 2), 0.1, taken.set)
    thread = Thread(target=kept.keep, args=[stop])
    thread.start()
    assert taken.wait(30)
    silent, other = MySqlLease(database, "another", 2), MySqlLease(database, "another", 60)
    assert silent.held()
    while not other.held():  # as long as that one, which keeps still, has its own
        pass
    assert MySqlLease(database, "taxi", 60).is_taken()
    assert kept.held
    stop.set()
    thread.join()


def test_a_server_that_is_away_takes_the_lease_from_nobody(
    database: MySqlSettings, mariadb: MariaDb
) -> None:
    changes: Queue[None] = Queue()
    kept, stop = KeptLease(MySqlLease(database, "taxi", 2), 0.1, lambda: changes.put(None)), Event()
    thread = Thread(target=kept.keep, args=[stop])
    thread.start()
    changes.get()
    mariadb.stop()
    changes.get()
    assert kept.held is None
    mariadb.start()
    changes.get()
    assert kept.held
    stop.set()
    thread.join()
