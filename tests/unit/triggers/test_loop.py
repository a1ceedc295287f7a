"""`evergreen watch` in a process of its own: what it does while something hangs or is wrong."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from ml_metadata.metadata_store import MetadataStore
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from evergreen.lineage.mysql import PASSWORD as PASSWORD_VARIABLE
from evergreen.lineage.store import open_store
from evergreen.settings import Settings, load_settings
from evergreen.triggers.controller import Step
from evergreen.triggers.event import fired_event
from evergreen.triggers.leader import FileLease, MySqlLease
from evergreen.triggers.log import TriggerLog
from evergreen.triggers.loop import Watch
from evergreen.triggers.signals import SOCKET, wake
from tests.mariadb import PASSWORD, MariaDb
from tests.unit.planning.conftest import ROOT, Bench
from tests.unit.triggers.world import START

EVERGREEN = str(Path(sys.executable).with_name("evergreen"))
HANGS = "triggers.monitor_seconds=36000"


def until(check: Callable[[], Any]) -> Any:
    """Awaits something; returns it."""
    is_no = retry_if_result(lambda found: not found)
    return Retrying(retry=is_no, stop=stop_after_delay(45), wait=wait_fixed(0.05))(check)


@dataclass
class Watching:
    """A controller that runs."""

    process: subprocess.Popen[bytes]
    said: Path
    store: MetadataStore
    overlay: Path
    settings: Settings

    def says(self, words: str) -> object:
        return until(lambda: words in self.said.read_text())

    def fire(self, key: str) -> None:
        """A person asks for a run; returns when that is decided."""
        log = TriggerLog(self.store, "taxi")
        log.refresh()
        event = log.notice(fired_event(key, START, "ann", "wants it"))
        wake(self.settings)
        until(lambda: log.refresh() or log.decisions(event.id))

    def monitors(self) -> list[psutil.Process]:
        """The processes that look at the traffic, when they have become that."""
        mine = psutil.Process(self.process.pid).children()
        return [process for process in mine if process.cmdline()[1:3] == [EVERGREEN, "monitor"]]

    def monitor(self) -> psutil.Process:
        """The one that looks, held so that it hangs."""
        [found] = until(self.monitors)
        found.send_signal(signal.SIGSTOP)
        return found


@contextmanager
def watching(bench: Bench, *overrides: str, **variables: str) -> Iterator[Watching]:
    """A controller whose runs would go to a Kubeflow that is not there: so it needs no TensorFlow.

    Settings are in an overlay that a test may change.
    """
    overlay, said = bench.folder / "here.yaml", bench.folder / "watch.log"
    root = f"pipeline: {{root: {bench.folder}/pipeline}}"
    overlay.write_text(f"triggers: {{poll_seconds: 0.5}}\n{root}")
    own = ["pipeline.orchestrator=kubeflow", "kubeflow.endpoint=http://127.0.0.1:1"]
    own += [f"gateway.log.folder={bench.folder}/predictions", *bench.overrides]
    own += [f"data.spans={bench.folder}/none", *overrides]
    words = [word for pair in own for word in ("--set", pair)]
    line = [
        EVERGREEN,
        "watch",
        "-u",
        "taxi",
        "--project",
        ROOT,
        "--config",
        "local",
        "--config",
        overlay,
        *words,
    ]
    line += ["--heartbeat", bench.folder / "heartbeat"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(bench.folder), **variables}
    with said.open("w") as stream:
        process = subprocess.Popen(
            list(map(str, line)), stdout=stream, stderr=stream, env=environment
        )
    try:
        yield Watching(process, said, bench.store, overlay, load_settings(ROOT, [str(overlay)]))
    finally:
        process.kill()
        process.wait()


def test_a_monitor_that_hangs_keeps_nobody_waiting(bench: Bench) -> None:
    with watching(bench, HANGS) as watch:
        monitor = watch.monitor()
        watch.fire("meanwhile")
        assert (bench.folder / "heartbeat").exists()
        assert monitor.is_running()
        watch.process.terminate()
        assert watch.process.wait(60) == 0, watch.said.read_text()
        until(lambda: not monitor.is_running())


def test_a_monitor_that_hangs_costs_no_lease(bench: Bench, mariadb: MariaDb) -> None:
    database = mariadb.database()
    place = ["metadata.sqlite=null", f"metadata.mysql={{{named(database)}}}"]
    with watching(bench, HANGS, *place, **{PASSWORD_VARIABLE: PASSWORD}) as watch:
        watch.store = open_store(load_settings(ROOT, overrides=place).metadata)
        watch.monitor()
        silent, other = MySqlLease(database, "another", 4), MySqlLease(database, "another", 60)
        assert silent.held()
        while not other.held():  # longer than a lease of three seconds lasts that nobody keeps
            pass
        assert MySqlLease(database, "taxi", 60).is_taken()
        watch.fire("meanwhile")
        assert watch.said.read_text().count("this controller leads") == 1
        assert "another controller leads" not in watch.said.read_text()
        watch.process.terminate()
        assert watch.process.wait(60) == 0


def named(database: object) -> str:
    fields = ("host", "port", "database", "user")
    return ", ".join(f"{name}: {getattr(database, name)}" for name in fields)


def test_a_monitor_that_takes_too_long_is_killed(bench: Bench) -> None:
    with watching(bench, HANGS, "triggers.monitor_deadline_seconds=0.1") as watch:
        watch.says("evergreen monitor took longer than 0.1 s and was killed")
        watch.fire("after it")
        assert not watch.monitors()


def test_a_monitor_ends_with_a_controller_that_is_killed(bench: Bench) -> None:
    with watching(bench, HANGS) as watch:
        monitor = watch.monitor()
        watch.process.kill()
        watch.process.wait()
        until(lambda: not monitor.is_running())


def test_wrong_settings_are_said_and_right_ones_used(bench: Bench) -> None:
    with watching(bench, "gateway.log.folder=null") as watch:
        watch.says("watching: manual, new-data, performance, distribution")
        right = watch.overlay.read_text()
        watch.overlay.write_text(f"{right}\nmonitoring: {{windowhours: 3}}")
        watch.says("unknown key monitoring.windowhours; did you mean monitoring.window_hours?")
        watch.fire("with those of before")
        watch.overlay.write_text(right + "\n# a remark")
        watch.fire("again")
        watch.overlay.write_text(right.replace("0.5", "0.5, distribution: null"))
        watch.says("the settings have changed: starting anew")
        until(lambda: watch.said.read_text().count("this controller leads") == 2)
        assert "watching: manual, new-data, performance\n" in watch.said.read_text()
        assert watch.said.read_text().count("unknown key") == 1
        watch.process.terminate()
        assert watch.process.wait(60) == 0


def test_systemd_is_told_that_it_lives(bench: Bench) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(place := str(bench.folder / "notify"))
        systemd.settimeout(60)
        with watching(bench, "gateway.log.folder=null", **{SOCKET: place}):
            assert systemd.recv(100) == systemd.recv(100) == b"READY=1\nWATCHDOG=1"


def test_a_heartbeat_that_cannot_be_is_said_at_once() -> None:
    line = [EVERGREEN, "watch", "--project", ROOT, "--heartbeat", "/nowhere/at/all"]
    ended = subprocess.run(line, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "/nowhere/at/all" in ended.stderr


@dataclass
class Faulty:
    """A controller whose first steps fail in ways that nobody has thought of."""

    faults: list[Exception]
    stop: Callable[[], None]
    steps: int = 0
    closed: int = 0
    is_busy: bool = False

    def step(self, now: datetime) -> Step:
        self.steps += 1
        if self.faults:
            raise self.faults.pop()
        self.stop()
        return Step((), None)

    def close(self) -> None:
        self.closed += 1


def test_no_fault_of_a_step_ends_the_controller_or_its_run(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    settings = bench.settings("triggers.poll_seconds=0.01")
    watch = Watch(settings, FileLease(bench.folder / "leader"))
    controller = Faulty([ValueError("of a bug"), KeyError("of another")], watch.stop)
    assert not watch(controller)
    assert (controller.steps, controller.closed) == (3, 1)
    assert "ValueError: of a bug" in caplog.text
    assert "Traceback" in caplog.text
