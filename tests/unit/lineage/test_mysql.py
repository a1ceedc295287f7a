"""ML Metadata in a real MariaDB: everything that is said of a file holds, and faults pass."""

import logging
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from threading import Event

import pytest
from ml_metadata.metadata_store import ListOptions, MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import EvergreenError
from evergreen.lineage import mysql
from evergreen.lineage.mysql import PASSWORD
from evergreen.lineage.retries import RetryingStore
from evergreen.lineage.store import connection_config, context_type, open_store, set_properties
from evergreen.settings.metadata import MetadataSettings, MySqlSettings
from tests.mariadb import PASSWORD as SECRET
from tests.mariadb import MariaDb, metadata


@pytest.fixture
def database(mariadb: MariaDb) -> MySqlSettings:
    return mariadb.database()


@pytest.fixture
def store(database: MySqlSettings) -> MetadataStore:
    return open_store(metadata(database))


def put(store: MetadataStore, name: str, **properties: str) -> int:
    context = mlmd.Context(type_id=context_type(store, "note"), name=name)
    set_properties(context, dict(properties))
    [context_id] = store.put_contexts([context])
    return int(context_id)


def named(store: MetadataStore) -> list[str]:
    return sorted(context.name for context in store.get_contexts())


def refusal(settings: MySqlSettings, patience: float = 0) -> EvergreenError:
    with pytest.raises(EvergreenError) as error:
        mysql.connect(mysql.config(settings), patience)
    return error.value


def test_without_a_password_it_says_where_one_is_expected(
    database: MySqlSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PASSWORD)
    error = refusal(database)
    assert PASSWORD in str(error)
    assert PASSWORD in error.hint


@pytest.mark.parametrize(
    ("wrong", "said", "hint"),
    [
        ({"user": "nobody"}, "Access denied for user 'nobody'", PASSWORD),
        ({"database": "mysql"}, "Access denied", "GRANT ALL ON mysql.* TO 'evergreen'"),
        ({"host": "no.such.host.invalid"}, "no.such.host.invalid", "metadata.mysql.host"),
    ],
)
def test_a_refusal_says_what_was_refused_and_what_to_do(
    database: MySqlSettings, wrong: dict[str, str], said: str, hint: str
) -> None:
    error = refusal(database.model_copy(update=wrong))
    assert said in str(error)
    assert hint in error.hint
    assert SECRET not in str(error)


def test_a_wrong_password_is_not_tried_again(
    database: MySqlSettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(PASSWORD, "wrong")
    error = refusal(database, patience=600)
    assert "Access denied for user 'evergreen'" in str(error)
    assert "trying again" not in caplog.text


def test_a_missing_database_can_be_made_as_the_hint_says(
    mariadb: MariaDb, database: MySqlSettings
) -> None:
    missing = database.model_copy(update={"database": f"{database.database}_new"})
    mariadb.sql(f"GRANT ALL ON {missing.database}.* TO {database.user}")
    error = refusal(missing)
    assert "Unknown database" in str(error)
    mariadb.sql(error.hint.removeprefix("Create it: "))
    assert open_store(metadata(missing)).get_contexts() == []


def test_a_database_that_takes_upper_for_lower_case_is_refused(mariadb: MariaDb) -> None:
    error = refusal(mariadb.database(collation="utf8mb4_general_ci"))
    assert "utf8mb4_general_ci" in str(error)
    assert "ALTER DATABASE" in error.hint


def test_no_log_at_any_level_and_no_connection_passed_on_holds_the_password(
    database: MySqlSettings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        put(open_store(metadata(database)), "one")
    assert SECRET not in caplog.text
    assert not connection_config(metadata(database)).mysql.password


def test_a_connection_may_be_encrypted_and_the_server_is_checked(
    mariadb: MariaDb, database: MySqlSettings, tmp_path: Path
) -> None:
    name = f"{database.database}_tls"
    mariadb.sql(
        f"CREATE DATABASE {name} COLLATE utf8mb4_bin", f"GRANT ALL ON {name}.* TO evergreen"
    )
    encrypted = mariadb.encrypted(database.model_copy(update={"database": name}))
    mariadb.sql(f"ALTER USER {database.user} REQUIRE SSL")
    try:
        assert open_store(metadata(encrypted)).get_contexts() == []
        (tmp_path / "other").mkdir()
        stranger = MariaDb(tmp_path / "other")
        error = refusal(stranger.encrypted(encrypted))
        assert "certificate verify failed" in str(error)
        assert "metadata.mysql.tls" in error.hint
    finally:
        mariadb.sql(f"ALTER USER {database.user} REQUIRE NONE")


def test_names_and_values_in_any_script_are_kept_and_found(store: MetadataStore) -> None:
    put(store, "Zürich 日本 🚕", note="100 € für é")
    put(store, "zürich 日本 🚕", note="another")
    for query in ("name = 'Zürich 日本 🚕'", "custom_properties.note.string_value = '100 € für é'"):
        [found] = store.get_contexts(ListOptions(filter_query=query))
        assert found.name == "Zürich 日本 🚕"
        assert found.custom_properties["note"].string_value == "100 € für é"


def test_processes_that_open_an_empty_database_at_once_all_get_it(database: MySqlSettings) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(count, [metadata(database)] * 3, chunksize=1) == [0, 0, 0]


def count(place: MetadataSettings) -> int:
    return len(open_store(place).get_contexts())


def write_all(database: MySqlSettings, contexts: list[bytes]) -> list[str]:
    """Writes the contexts one after the other, in one transaction; returns what was logged."""
    logged: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: logged.append(record.getMessage())
    logging.getLogger("evergreen").addHandler(handler)
    store = open_store(metadata(database))
    store.put_contexts([mlmd.Context.FromString(context) for context in contexts])
    return logged


def test_a_deadlock_is_tried_again(mariadb: MariaDb, database: MySqlSettings) -> None:
    store = open_store(metadata(database))
    first, two = put(store, "one", note="old"), put(store, "two", note="old")
    contexts = {context.id: context for context in store.get_contexts()}
    for context in contexts.values():
        context.custom_properties["note"].string_value = "new"
    order = [contexts[number].SerializeToString() for number in (first, two)]
    touch = "UPDATE Context SET last_update_time_since_epoch = 1 WHERE id = "
    spawn = multiprocessing.get_context("spawn")  # ml-metadata waits with the interpreter locked
    with (
        mariadb.connect() as other,
        other.cursor() as cursor,
        mariadb.connect() as watching,
        watching.cursor() as watcher,
        ProcessPoolExecutor(1, spawn) as pool,
    ):
        other.select_db(database.database)
        cursor.execute("CREATE TABLE big (n INT) ENGINE=InnoDB")
        cursor.execute("BEGIN")
        # The larger transaction wins: the database ends the other one.
        cursor.execute("INSERT INTO big SELECT seq FROM seq_1_to_10000")
        cursor.execute(f"{touch} {two}")
        writing = pool.submit(write_all, database, order)
        waiting = (
            f"SELECT id FROM information_schema.processlist WHERE user = '{database.user}'"
            f" AND info LIKE '%C.id IN ({two}) LOCK IN SHARE MODE%'"
        )
        while not watcher.execute(waiting) and not writing.done():
            Event().wait(0.05)  # the database says it to those alone who ask
        cursor.execute(f"{touch} {first}")
        cursor.execute("COMMIT")
        logged = writing.result(60)
    assert any("Deadlock found" in line for line in logged), logged
    notes = [
        c.custom_properties["note"].string_value for c in store.get_contexts_by_id([first, two])
    ]
    assert notes == ["new", "new"]


def test_a_lost_connection_is_made_again(mariadb: MariaDb, store: MetadataStore) -> None:
    put(store, "one")
    assert mariadb.kill_connections()
    put(store, "two")
    assert mariadb.kill_connections()
    assert named(store) == ["one", "two"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_lost_or_doubled_when_the_database_is_restarted_under_writers(
    mariadb: MariaDb, database: MySqlSettings, how: signal.Signals
) -> None:
    spawn = multiprocessing.get_context("spawn")
    written = spawn.Semaphore(0)
    with ProcessPoolExecutor(2, spawn, initializer=write_to, initargs=(written,)) as pool:
        writers = [pool.submit(write, database, name) for name in ("a", "b")]
        for _ in range(20):
            assert written.acquire(timeout=60)
        mariadb.stop(how)
        mariadb.start()
        for writer in writers:
            writer.result(120)
    names = [f"{name}-{number:02d}" for name in ("a", "b") for number in range(60)]
    assert named(open_store(metadata(database))) == names


def write_to(written: Semaphore) -> None:
    """Begins a process: a semaphore can be handed to it then only."""
    write.written = written


def write(database: MySqlSettings, name: str) -> None:
    store = open_store(metadata(database))
    for number in range(60):
        put(store, f"{name}-{number:02d}")
        write.written.release()


def test_a_server_that_stays_away_is_an_error_when_patience_ends(
    mariadb: MariaDb, database: MySqlSettings
) -> None:
    store = mysql.connect(mysql.config(database), patience=1)
    mariadb.stop()
    try:
        with pytest.raises(EvergreenError) as error:
            store.get_contexts()
        assert error.value.hint == refusal(database, patience=1).hint
        assert "metadata.mysql.host" in error.value.hint
    finally:
        mariadb.start()
    assert store.get_contexts() == []


def test_what_could_be_there_twice_is_not_written_again(
    mariadb: MariaDb, store: RetryingStore
) -> None:
    type_id = store.put_artifact_type(mlmd.ArtifactType(name="thing"))
    mariadb.kill_connections()
    with pytest.raises(EvergreenError, match="may or may not be done"):
        store.put_artifacts([mlmd.Artifact(type_id=type_id)])
    store.put_artifacts([mlmd.Artifact(type_id=type_id)])
    assert len(store.get_artifacts()) == 1


def test_threads_share_a_store(store: MetadataStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: put(store, f"{number:02d}"), range(40)))
    assert named(store) == [f"{number:02d}" for number in range(40)]
