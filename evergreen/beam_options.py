"""How a node computes on Beam: in its own process for little data, a process a core for much."""

import argparse
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RUNNER = "--runner=FnApiRunner"
"""Named, because Beam 2.77's DirectRunner may try to download another runner first."""
NO_PACKAGE = "--sdk_container_image=none"
"""Issue: TFX 1.21 packs its own source for remote workers, 1.5 s a node, even where there are none.
Solution: an option that says what such workers run; with FnApiRunner nothing reads it."""
WORKERS = "--direct_running_mode=multi_processing"
CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
MIB = 1 << 20

ALONE = 61.0 * MIB
"""Bytes of examples for which one process analyzes in a second."""
AS_WORKER = 56.0 * MIB
"""Bytes that each of several workers does."""
WORKERS_START = 5.8
"""Seconds until workers work, since each imports TensorFlow and TFX."""


@dataclass(frozen=True)
class Computing:
    """How a node computes.

    Attributes:
        options: Beam options, besides those that are given.
        told: What was chosen and why, for people.
    """

    options: tuple[str, ...]
    told: str


def choose(given: Sequence[str], size: int, cores: int) -> Computing:
    """Chooses Beam's runner by the size of a node's examples and by cores; what is given stays.

    Args:
        given: Beam options of the settings (`beam.args`). With a runner or a running mode among
            them nothing is chosen; a number of workers is kept.
        size: Of the examples that the node reads, in bytes.
        cores: How many processes can run at a time; 1 if the node has no use for several.
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
    """The bytes beyond which workers are done before one process is, their start included.

    Measured with Transform of the taxi model on resampled trips (Beam 2.77, 2 cores): with 8, 81
    and 815 MiB of examples one process took 8.3, 9.5 and 21.3 s; with 81 and 815 MiB two workers
    took 14.5 and 21.0 s. The constants above are the slopes, and how much later workers begin.
    """
    saved = 1 / ALONE - 1 / (workers * AS_WORKER)
    return WORKERS_START / saved if saved > 0 else math.inf


def has_workers(options: Sequence[str]) -> bool:
    """Whether Beam options of the settings name a runner other than this process."""
    return bool(_parse(options).runner) and not in_process(options)


def on_this_machine(options: Sequence[str]) -> bool:
    """Whether Beam options mean processes of this machine, be it one or several."""
    return _parse(options).runner == "FnApiRunner"


def in_process(options: Sequence[str]) -> bool:
    """Whether Beam options mean one process, this one."""
    known = _parse(options)
    return known.runner == "FnApiRunner" and known.direct_running_mode in (None, "in_memory")


def available_cores() -> int:
    """The cores that this process may use: a container may have fewer than its machine."""
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
