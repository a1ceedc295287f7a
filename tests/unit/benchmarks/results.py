"""A comparison as it could have been measured, in round numbers."""

from datetime import UTC, datetime

from benchmarks.machine import Machine
from benchmarks.measure import Measured
from benchmarks.pipeline.result import Node, Process, Result

MACHINE = Machine(
    processor="Abacus 2",
    cores=2,
    memory=23.6,
    system="Debian",
    python="3.11.7",
    packages={"tfx": "1.21.0"},
    load=0.1,
)


def process(
    wall: float, peak: float, nodes: dict[str, float], *, cached: tuple[str, ...] = ()
) -> Process:
    return Process(
        measured=Measured(started=0.0, wall=wall, cpu=wall + 1, peak=peak),
        nodes=tuple(
            Node(node=name, state="cached" if name in cached else "complete", seconds=seconds)
            for name, seconds in nodes.items()
        ),
        before=10.0,
        after=2.0,
        report=1.5 if "DataGate" in nodes else None,
    )


def comparison(*, full: float = 80.0, cached_work: float = 1.0) -> Result:
    """Two rounds; in the second one, all but stock takes ten seconds more."""
    return Result(
        machine=MACHINE,
        started=datetime(2026, 3, 1, tzinfo=UTC),
        train_rows=8939,
        steps=896,
        rounds=tuple(_round(full, cached_work, late) for late in (0.0, 10.0)),
    )


def _round(full: float, cached_work: float, late: float) -> dict[str, Process]:
    resolver = {"latest_blessed_model_resolver": 0.1}
    stock = {"CsvExampleGen": 6.5, "Transform": 36.0, "Evaluator": 11.0} | resolver
    same = {"CuratedSchema": 0.1, "ExampleGen": 0.4, "Transform": 20.0, "Evaluator": 11.0}
    gates = {"DataGate": 0.2, "ModelGate": 3.0}
    again = {"Transform": cached_work / 2, "DataGate": cached_work / 2}
    return {
        "stock": process(100.0, 1500.0, stock),
        "same": process(65.0 + late, 1200.0, same),
        "full": process(full + late, 1800.0, same | gates),
        "stock again": process(50.0, 1000.0, stock, cached=("CsvExampleGen", "Transform")),
        "full again": process(20.0 + late, 900.0, again, cached=tuple(again)),
    }
