"""Asks a large store, through the read API and through the command."""

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks import machine
from benchmarks.lineage.history import make_history
from benchmarks.measure import measure
from benchmarks.result import Measurement
from evergreen.lineage.reader import Asked, Lineage
from evergreen.lineage.store import open_store
from evergreen.lineage.trees import model_tree, span_tree
from evergreen.lineage.views import Way
from evergreen.settings import load_settings

PROJECT = Path(__file__).parents[2]


class Result(Measurement):
    """What was measured.

    Attributes:
        runs: In the store.
        artifacts: In the store.
        asked: Milliseconds of each answer of the read API, by question.
        commands: Seconds of each whole process, by command.
    """

    runs: int
    artifacts: int
    asked: Mapping[str, list[float]]
    commands: Mapping[str, list[float]]


def measure_all(runs: int, rounds: int, folder: Path, console: Console) -> Result:
    """Makes a store, and asks it.

    Args:
        runs: How many runs it has.
        rounds: How often each question is asked; commands a quarter as often.
        folder: For the store and the logs; replaced.
        console: To say how far it is.
    """
    started, here = datetime.now(UTC), machine.describe()
    shutil.rmtree(folder, ignore_errors=True)
    overrides = [f"metadata.sqlite={folder}/metadata.sqlite", f"pipeline.root={folder}/pipeline"]
    settings = load_settings(PROJECT, overrides=overrides)
    store = open_store(settings.metadata)
    with console.status(f"making a store of {runs} runs"):
        make_history(settings, store, runs)
    with console.status("asking"):
        lineage = Lineage(store, settings.model.name)
        asked = {
            name: [_milliseconds(ask) for _ in range(rounds)]
            for name, ask in _questions(lineage, runs).items()
        }
        commands = {
            " ".join(words): [
                _seconds(words, overrides, folder / "log") for _ in range(max(1, rounds // 4))
            ]
            for words in (("runs",), ("show",), ("lineage", str(runs // 2)), ("models", "--log"))
        }
    return Result(
        machine=here,
        started=started,
        runs=runs,
        artifacts=len(store.get_artifacts()),
        asked=asked,
        commands=commands,
    )


def _questions(lineage: Lineage, runs: int) -> dict[str, Callable[[], object]]:
    middle = lineage.runs()[runs // 2]
    [model] = lineage.run(middle.run_id).made("Trainer", "model")
    version, span = middle.model_version or 1, middle.window[0].number
    return {
        "the newest 20 runs": lambda: lineage.runs(Asked(limit=20)),
        "the newest 20 that were refused": lambda: lineage.runs(
            Asked(outcome="model refused", limit=20)
        ),
        "every run that trained on a span": lambda: lineage.runs(Asked(span=span)),
        "a run with its nodes and artifacts": lambda: lineage.run(middle.run_id),
        "all versions with their stages": lineage.versions,
        "the graph up from a model": lambda: lineage.graph([model.id], Way.UP),
        "the tree of a model": lambda: model_tree(lineage, version),
        "the tree of a span": lambda: span_tree(lineage, span),
        "all runs": lineage.runs,
    }


def _milliseconds(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000


def _seconds(words: tuple[str, ...], overrides: list[str], log: Path) -> float:
    evergreen = str(Path(sys.executable).with_name("evergreen"))
    pairs = [word for pair in overrides for word in ("--set", pair)]
    return measure([evergreen, *words, *pairs], log, PROJECT).wall
