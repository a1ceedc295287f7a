"""Runs the variants in turn, each in a fresh process, and reads what their nodes took."""

import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from rich.console import Console

from benchmarks import machine
from benchmarks.measure import Measured, measure
from benchmarks.pipeline import terms
from benchmarks.pipeline.result import Node, Process, Result
from benchmarks.pipeline.variants import PERIOD, PROJECT, VARIANTS, Inputs
from data.taxi import KEY_COLUMN, TIMESTAMP_COLUMN
from data.taxi.source import sample_path
from evergreen.lineage.nodes import NodeReader, NodeState
from evergreen.lineage.records import RunRecords
from evergreen.lineage.run_artifacts import RunReading
from evergreen.lineage.store import open_store
from evergreen.settings.models import MetadataSettings
from evergreen.spans import land

BUSY = 0.5
AGAIN = ("full", "stock")


def compare(rounds: int, folder: Path, console: Console) -> Result:
    """Measures all variants in every round, in a rotating order.

    Args:
        rounds: How many rounds count; one more before them is discarded.
        folder: For what the variants write, emptied before; their logs stay there.
        console: Shows a person how far it is.
    """
    here = machine.describe()
    if here.load > BUSY:
        console.print(
            f"[yellow]the machine is busy[/yellow] (load {here.load:.1f}): figures will be off"
        )
    shutil.rmtree(folder, ignore_errors=True)
    rounds_ = Rounds(folder, console)
    rows = rounds_.warm_up()
    return Result(
        machine=here,
        started=datetime.now(UTC),
        train_rows=rows,
        steps=terms.steps(rows),
        rounds=tuple(rounds_.measure(number, rounds) for number in range(1, rounds + 1)),
    )


class Rounds:
    """Runs rounds below a folder."""

    def __init__(self, folder: Path, console: Console) -> None:
        self._folder = folder
        self._console = console
        self._environment = environment(folder / "bytecode")
        self._inputs = Inputs(spans=folder / "spans", steps=0)
        root = self._inputs.spans / PERIOD.value
        land(root, sample_path(), 1, key_column=KEY_COLUMN, timestamp_column=TIMESTAMP_COLUMN)

    def warm_up(self) -> int:
        """Runs everything once, so that all bytecode is compiled; returns the training rows."""
        folder = self._folder / "warm-up"
        self._run("full", folder, "warm-up")
        rows = _train_rows(folder / "full")
        self._inputs = Inputs(self._inputs.spans, terms.steps(rows))
        self._run("same", folder, "warm-up")
        self._run("stock", folder, "warm-up")
        shutil.rmtree(folder)
        return rows

    def measure(self, number: int, of: int) -> dict[str, Process]:
        """Measures one round: everything anew, then ours and stock once more, from the cache."""
        title, folder = f"round {number} of {of}", self._folder / f"round-{number}"
        measured = {
            name: self._run(name, folder, title) for name in rotated(list(VARIANTS), number)
        }
        for name in rotated(AGAIN, number):
            measured[f"{name} again"] = self._run(name, folder, title, " again")
        shutil.rmtree(folder)
        return measured

    def _run(self, name: str, folder: Path, title: str, suffix: str = "") -> Process:
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        log = self._folder / "logs" / f"{folder.name}-{name}{suffix.replace(' ', '-')}.log"
        with self._console.status(f"{title}: {name}{suffix}"):
            command = VARIANTS[name](self._inputs, target)
            measured = measure(command, log, PROJECT, self._environment)
        figures = f"{measured.wall:6.1f} s  {measured.peak:6,.0f} MiB"
        self._console.print(f"{title:<14} {name + suffix:<12} {figures}", highlight=False)
        return read_process(measured, target)


def environment(bytecode: Path) -> dict[str, str]:
    """Environment variables with which Python keeps bytecode in a folder, whatever it does here.

    Compiling 8,000 modules takes 15 s. Whether that is paid once or by every process depends on how
    the packages were installed and on who may write beside them, and tells nothing of a pipeline.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(bytecode)}


def rotated(names: Sequence[str], by: int) -> list[str]:
    """The names in another order for every round: who comes first comes last in the next."""
    start = by % len(names)
    return [*names[start:], *names[:start]]


def read_process(measured: Measured, folder: Path) -> Process:
    """Adds to what was measured what ML Metadata says of the nodes of that process."""
    store = open_store(MetadataSettings(sqlite=folder / "metadata.sqlite"))
    found = [state for state in node_states(store) if state.started >= measured.started]
    return Process(
        measured=measured,
        nodes=tuple(Node(node=s.node_id, state=s.state, seconds=s.seconds) for s in found),
        before=found[0].started - measured.started,
        after=measured.ended - found[-1].updated,
        report=_report_seconds(store, folder, measured),
    )


def node_states(store: MetadataStore) -> list[NodeState]:
    """Returns the nodes of all runs of the one pipeline in a store, oldest first."""
    [pipeline] = store.get_contexts_by_type("pipeline")
    reader, runs = NodeReader(store), store.get_contexts_by_type("pipeline_run")
    states = [state for run in runs for state in reader.states(pipeline.name, run.name)]
    return sorted(states, key=lambda state: state.execution_id)


def _report_seconds(store: MetadataStore, folder: Path, measured: Measured) -> float | None:
    """From the recorded end of the run, after which the report is made, to the finished file."""
    pages = [path.stat().st_mtime for path in folder.glob("reports/*.html")]
    written = [time for time in pages if time >= measured.started]
    record = RunRecords(store).latest() if written else None
    return written[0] - record.finished.timestamp() if record and record.finished else None


def _train_rows(folder: Path) -> int:
    store = open_store(MetadataSettings(sqlite=folder / "metadata.sqlite"))
    record = RunRecords(store).latest()
    [span] = RunReading(store, record).spans
    return int(span.report.rows["train"])
