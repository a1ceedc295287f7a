"""Ctrl-C in the middle of a node."""

import signal
import subprocess
from pathlib import Path

import pytest

from evergreen.lineage.nodes import NodeReader
from evergreen.lineage.records import RunRecords
from evergreen.lineage.store import open_store
from evergreen.running.orchestrator import installed, is_remote, load
from evergreen.runs.plan import Outcome
from evergreen.settings.models import MetadataSettings
from tests.e2e.conftest import Command


@pytest.mark.parametrize(
    "orchestrator", [name for name in installed() if not is_remote(load(name))]
)
def test_nothing_is_left_running(command: Command, folder: Path, orchestrator: str) -> None:
    subprocess.run(command("data", "prepare"), check=True, capture_output=True)
    line = command("run", "--spans", "1", "--no-cache", "--orchestrator", orchestrator)
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for shown in process.stdout:
            if "ExampleGen" in shown:  # it has ended; other nodes are still to run
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130
    assert "interrupted" in rest
    store = open_store(MetadataSettings(sqlite=folder / "metadata.sqlite"))
    record = RunRecords(store).latest()
    assert record is not None
    assert record.outcome is Outcome.INTERRUPTED
    states = NodeReader(store).states("taxi", f"{record.run_id}.span-00001-v01")
    assert {state.state for state in states} <= {"complete", "cached", "canceled", "failed"}
    assert not any(state.node_id == "DataGate" for state in states)
    assert not (folder / "serving").exists()
