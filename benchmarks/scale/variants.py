"""The processes of each comparison."""

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.pipeline import terms as common
from benchmarks.pipeline.variants import Inputs, module, same, settings, stock
from benchmarks.scale import terms
from benchmarks.scale.data import Trips
from benchmarks.scale.running import Command
from benchmarks.scale.terms import GZIP, LIMIT, ONE_CORE, OURS, STOCK
from evergreen.settings.models import DataSettings

METADATA = "metadata.sqlite"
COMPRESSION = "compression"
"""The setting `data.compression`, if this version has it."""
Make = Callable[[Trips, Path], Command]


def pipeline() -> dict[str, Make]:
    """All nodes that stock has, from files to a pushed model."""

    def of(name: str, words: Callable[[Inputs, Path], list[str]]) -> Make:
        return lambda trips, folder: Command(name, words(_inputs(trips), folder), folder / METADATA)

    return {STOCK: of(STOCK, stock), OURS: of(OURS, same)}


def ingestion() -> dict[str, Make]:
    """From CSV to `tf.Example`s: stock, ours and the straight line, on one core and on all."""
    found: dict[str, Make] = {STOCK: _stock_ingestion}
    gzip = (GZIP,) if COMPRESSION in DataSettings.model_fields else ()
    for compressed in ("", *gzip):
        for cores in (ONE_CORE, ""):
            for make, name in ((_our_node("ExampleGen"), OURS), (_limit_of_ingestion, LIMIT)):
                found[f"{name}{cores}{compressed}"] = make(f"{name}{cores}{compressed}")
    return found


def _stock_ingestion(trips: Trips, folder: Path) -> Command:
    words = module("benchmarks.scale.stock", trips.csv, folder)
    return Command(STOCK, words, folder / METADATA)


def _our_node(node: str) -> Callable[[str], Make]:
    def named(name: str) -> Make:
        def make(trips: Trips, folder: Path) -> Command:
            words = module("benchmarks.scale.ours", node, folder, *_settings(name, trips, folder))
            return Command(name, words, folder / METADATA, one_core=ONE_CORE in name)

        return make

    return named


def _settings(name: str, trips: Trips, folder: Path) -> Iterator[str]:
    yield from settings(trips.spans, folder)
    if COMPRESSION in DataSettings.model_fields:
        yield f"data.{COMPRESSION}={'gzip' if GZIP in name else 'none'}"


def _limit_of_ingestion(name: str) -> Make:
    def make(trips: Trips, folder: Path) -> Command:
        target, compression = folder / "examples", "gzip" if GZIP in name else "none"
        cores = 1 if ONE_CORE in name else 2
        words = (compression, cores, target, *trips.parts)
        line = module("benchmarks.scale.limits.ingestion", *words)
        return Command(name, line, one_core=cores == 1)

    return make


def example_gen(trips: Trips, folder: Path) -> Command:
    """Ours, for what comes after it."""
    return _our_node("ExampleGen")(OURS)(trips, folder)


def statistics() -> dict[str, Make]:
    """Of what `example_gen` left in the folder."""
    return {OURS: _our_node("StatisticsGen")(OURS), LIMIT: _limit_of_statistics}


def _limit_of_statistics(trips: Trips, folder: Path) -> Command:
    del trips
    [examples] = folder.glob("pipeline/ExampleGen/examples/*")
    return Command(LIMIT, module("benchmarks.scale.limits.statistics", examples))


def training() -> dict[str, Make]:
    """On what a run of `pipeline` left in the folder; what ours takes, that run has told."""
    return {LIMIT: _limit_of_training}


def _limit_of_training(trips: Trips, folder: Path) -> Command:
    [graph] = folder.glob("pipeline/Transform/transform_graph/*")
    [examples] = folder.glob("pipeline/ExampleGen/examples/*/Split-train")
    words = (graph, examples, common.BATCH)
    return Command(LIMIT, module("benchmarks.scale.limits.training", *words))


def _inputs(trips: Trips) -> Inputs:
    return Inputs(trips.spans, terms.steps(trips.rows), terms.EPOCHS, trips.csv)
