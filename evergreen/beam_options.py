"""Chooses how a node computes on Beam: in its own process, or in one process per core."""

import argparse
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RUNNER = "--runner=FnApiRunner"
"""Named explicitly, because Beam 2.77's DirectRunner may try to download another runner first."""
NO_PACKAGE = "--sdk_container_image=none"
"""Issue: TFX 1.21 packs its own source for remote workers, 1.5 s per node, even without workers.
Solution: an option that names their software; with FnApiRunner it is not read."""
WORKERS = "--direct_running_mode=multi_processing"
CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
MIB = 1 << 20

ALONE = 61.0 * MIB
"""The bytes of examples that a single process analyzes per second."""
AS_WORKER = 56.0 * MIB
"""The bytes per second of each of several workers."""
WORKERS_START = 5.8
"""Seconds until workers start working, since each imports TensorFlow and TFX."""


@dataclass(frozen=True)
class Computing:
    """The chosen way to compute.

    Attributes:
        options: Beam options, besides the given ones.
        told: The choice and its reason, for people.
    """

    options: tuple[str, ...]
    told: str


def choose(given: Sequence[str], size: int, cores: int) -> Computing:
    """Chooses Beam's runner by the size of a node's examples and by cores; given options stay.

    Args:
        given: Beam options of the settings (`beam.args`). If they name a runner or a running mode,
            nothing is chosen; a number of workers is kept.
        size: The bytes of the examples that the node reads.
        cores: The most concurrent processes; 1 if the node has no use for several.
    """
    known = _parse(given)
    if known.runner or known.direct_running_mode:
        return Computing((), "as beam.args say")
    workers = known.direct_num_workers or cores
    about = f"{size / MIB:,.1f} MiB of examples"
    if size <= threshold(workers):
        return Computing((RUNNER, NO_PACKAGE), f"in one process: {about}")
    options = (RUNNER, NO_PACKAGE, WORKERS, f"--direct_num_workers={workers}")
    return Computing(options, f"in {workers} worker processes: {about}")


def threshold(workers: int) -> float:
    """Returns the bytes from which workers finish before a single process, including their start.

    Measured with Transform of the taxi model on resampled trips (Beam 2.77, 2 cores): with 8, 81
    and 815 MiB of examples one process took 8.3, 9.5 and 21.3 s; with 81 and 815 MiB two workers
    took 14.5 and 21.0 s. The constants above are the slopes, and the delay of the workers.
    """
    saved = 1 / ALONE - 1 / (workers * AS_WORKER)
    return WORKERS_START / saved if saved > 0 else math.inf


def has_workers(options: Sequence[str]) -> bool:
    """Returns whether Beam options of the settings name a runner outside this process."""
    return bool(_parse(options).runner) and not in_process(options)


def on_this_machine(options: Sequence[str]) -> bool:
    """Returns whether Beam options mean one or several processes of this machine."""
    return _parse(options).runner == "FnApiRunner"


def in_process(options: Sequence[str]) -> bool:
    """Returns whether Beam options mean this process alone."""
    known = _parse(options)
    return known.runner == "FnApiRunner" and known.direct_running_mode in (None, "in_memory")


def available_cores() -> int:
    """Returns the cores that this process may use: a container may have fewer than its machine."""
    cores = len(os.sched_getaffinity(0))
    if not CGROUP_QUOTA.is_file():
        return cores
    quota, period = CGROUP_QUOTA.read_text().split()
    return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))


def _parse(options: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--runner")
    parser.add_argument("--direct_running_mode")
    parser.add_argument("--direct_num_workers", type=int)
    return parser.parse_known_args(list(options))[0]
