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

ALONE = 7.1 * MIB
"""Bytes that one process transforms in a second."""
AS_WORKER = 4.0 * MIB
"""Bytes that each of several workers does: they hand on what they make."""
WORKERS_START = 17.0
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
        cores: How many processes can run at a time.
    """
    known = _parse(given)
    if known.runner or known.direct_running_mode:
        return Computing((), "as beam.args say")
    workers = known.direct_num_workers or cores
    about = f"{size / MIB:,.1f} MiB of examples, {cores} cores"
    if size <= threshold(workers):
        return Computing((RUNNER, NO_PACKAGE), f"in one process: {about}")
    options = (RUNNER, NO_PACKAGE, WORKERS, f"--direct_num_workers={workers}")
    return Computing(options, f"in {workers} worker processes: {about}")


def threshold(workers: int) -> float:
    """The bytes beyond which workers are done before one process is, their start included.

    Measured with Transform's graph of the taxi model on copies of the sample (Beam 2.77, 2 cores
    that others used as well): 8, 154 and 462 MiB took one process 6, 20 and 70 s, and two workers
    23, 43 and 80 s. The constants above are the slopes, and the difference of the smallest.
    """
    saved = 1 / ALONE - 1 / (workers * AS_WORKER)
    return WORKERS_START / saved if saved > 0 else math.inf


def has_workers(options: Sequence[str]) -> bool:
    """Whether Beam options of the settings name a runner other than this process."""
    return bool(_parse(options).runner) and not in_process(options)


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
