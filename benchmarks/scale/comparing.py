"""Makes the comparisons: sizes from small to large, and rounds of all variants in turn."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks import machine
from benchmarks.pipeline.comparing import BUSY, environment, rotated
from benchmarks.scale import data, variants
from benchmarks.scale.result import Part, Run
from benchmarks.scale.running import Command, Runner
from benchmarks.scale.terms import GZIP, OURS, SMALL, Size
from benchmarks.scale.variants import Make

NODES = {
    "pipeline": "",
    "ingestion": "ExampleGen",
    "statistics": "StatisticsGen",
    "training": "Trainer",
}
"""The comparisons, and the node whose work their straight line does."""


def compare(
    part: str, sizes: Sequence[Size], folder: Path, console: Console, *, full: bool = True
) -> Part:
    """Makes a comparison.

    Args:
        part: Which one, of `NODES`.
        sizes: How many rows, and how often.
        folder: For everything that is written; data and logs are kept there.
        console: Shows a person how far it is.
        full: Whether a round of few rows that does not count comes before, which compiles bytecode
            into a folder of its own; without it bytecode is where it is, or is not, and what is
            gzipped is left out.
    """
    here = machine.describe()
    if here.load > BUSY:
        console.print(
            f"[yellow]the machine is busy[/yellow] (load {here.load:.1f}): figures will be off"
        )
    variables = environment(folder / "bytecode") if full else dict(os.environ)
    made = {name: make for name, make in PARTS[part]().items() if full or GZIP not in name}
    rounds = Rounds(part, made, folder, Runner(folder / "logs", variables, console))
    if full:
        list(rounds.of(Size(SMALL, 1, 1), "warm-up"))
    started = datetime.now(UTC)
    runs = [run for size in sizes for run in rounds.of(size, part)]
    return Part(machine=here, started=started, runs=tuple(runs))


class Rounds:
    """Runs the rounds of one comparison."""

    def __init__(self, part: str, make: Mapping[str, Make], folder: Path, runner: Runner) -> None:
        self._part, self._make, self._folder, self._runner = part, make, folder, runner

    def of(self, size: Size, title: str) -> Iterator[Run]:
        """Runs a size; what each process writes is removed after it, or after its round."""
        with self._runner.console.status(f"making {size.rows:,} trips"):
            trips = data.make(self._folder / "data", size.rows)
        for number in range(max(size.ours, size.stock)):
            names = rotated([name for name in self._make if number < size.of(name)], number)
            words = f"{title} {size.rows:,} rows {number + 1}".replace(",", "")
            work = self._folder / "work"
            shutil.rmtree(work, ignore_errors=True)
            prepared = self._prepare(trips, work, words)
            for name in names:
                target = prepared or work / name.replace(", ", "-").replace(" ", "-")
                target.mkdir(parents=True, exist_ok=True)
                yield self._run(self._make[name](trips, target), size.rows, words)
                if self._part == "pipeline" and name == OURS:
                    self._keep(target, size.rows)
                elif not prepared:
                    shutil.rmtree(target)
            shutil.rmtree(work, ignore_errors=True)

    def _prepare(self, trips: data.Trips, work: Path, title: str) -> Path | None:
        """What the variants of a round read, if that is not the trips."""
        if self._part == "statistics":
            work.mkdir(parents=True)
            self._run(variants.example_gen(trips, work), trips.rows, title)
            return work
        if self._part == "training":
            kept = self._kept(trips.rows)
            if not kept.is_dir():
                work.mkdir(parents=True)
                self._run(variants.pipeline()[OURS](trips, work), trips.rows, title)
                self._keep(work, trips.rows)
            return kept
        return None

    def _run(self, command: Command, rows: int, title: str) -> Run:
        return self._runner.run(command, rows, NODES[self._part], title)

    def _keep(self, folder: Path, rows: int) -> None:
        """For the straight line of training, which reads what Transform made."""
        kept = self._kept(rows)
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(kept)

    def _kept(self, rows: int) -> Path:
        return self._folder / "kept" / str(rows)


PARTS: dict[str, Callable[[], dict[str, Make]]] = {
    "pipeline": variants.pipeline,
    "ingestion": variants.ingestion,
    "statistics": variants.statistics,
    "training": variants.training,
}
