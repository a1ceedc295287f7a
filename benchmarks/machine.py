"""The machine that a benchmark ran on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

PACKAGES = (
    "tfx",
    "tensorflow",
    "keras",
    "apache-beam",
    "ml-metadata",
    "tensorflow-transform",
    "tensorflow-data-validation",
    "tensorflow-model-analysis",
)
GIB = 1 << 30


class Machine(BaseModel):
    """A machine and what is installed on it.

    Attributes:
        processor: The processor's name.
        cores: Logical processors.
        memory: Memory in GiB.
        system: The operating system.
        python: Version of Python.
        packages: Versions by package.
        load: Processes that wanted a processor in the minute before the benchmark started.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    processor: str
    cores: int
    memory: float
    system: str
    python: str
    packages: dict[str, str]
    load: float


def describe() -> Machine:
    """Describes this machine, now."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory=psutil.virtual_memory().total / GIB,
        system=_system(),
        python=platform.python_version(),
        packages={name: version(name) for name in PACKAGES},
        load=os.getloadavg()[0],
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _system() -> str:
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}"
    except OSError:
        return platform.platform()
