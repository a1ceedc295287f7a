"""Runners that the tests start: a Flink cluster with Beam's job server, and Prism."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import yaml

from tests.flink.servers import Server, answers, free_ports
from tests.project import ROOT

SLOTS = 2
# Beam and Flink look into Java's own classes: what Flink's scripts allow it on Java 17.
OPENED = ["java.lang", "java.lang.invoke", "java.net", "java.io", "java.nio", "java.text",
  "java.time", "java.util", "java.util.concurrent", "java.util.concurrent.atomic",
  "java.util.concurrent.locks", "sun.nio.ch"]  # fmt: skip
JAVA = ["java", *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED)]
MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
WORKER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
HEAP = ["-Xmx640m", "-XX:MaxDirectMemorySize=512m"]
MEMORY = {
    "framework.heap.size": "128m", "framework.off-heap.size": "128m", "task.heap.size": "512m",
    "task.off-heap.size": "128m", "managed.size": "512m", "network.min": "256m",
    "network.max": "256m", "jvm-metaspace.size": "256m", "jvm-overhead.min": "192m",
    "jvm-overhead.max": "192m",
}  # fmt: skip


@contextmanager
def flink(folder: Path, jars: Path) -> Iterator[int]:
    """A job manager and a task manager; the port of their REST API."""
    rpc, rest = free_ports(2)
    settings = configuration(rpc, rest) | {"io.tmp.dirs": str(folder)}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    places = ["-cp", f"{jars}/*"]
    of = ["--configDir", str(folder)]
    manager = Server("jobmanager", folder, [*JAVA, "-Xmx512m", *places, MANAGER, *of])
    worker = Server("taskmanager", folder, [*JAVA, *HEAP, *places, WORKER, *of])
    with manager, worker:
        worker.await_that(lambda: overview(rest).get("slots-total") == SLOTS)
        yield rest


def configuration(rpc: int, rest: int) -> dict[str, str | int]:
    """Flink's settings. Its scripts would choose the memory; they are not in the package."""
    here = ["jobmanager.rpc.address", "jobmanager.bind-host", "rest.address", "rest.bind-address"]
    here += ["taskmanager.host", "taskmanager.bind-host"]
    return {
        **dict.fromkeys(here, "127.0.0.1"),
        "jobmanager.rpc.port": rpc,
        "rest.port": rest,
        "taskmanager.numberOfTaskSlots": SLOTS,
        "taskmanager.cpu.cores": SLOTS,
        # The graphs have hundreds of shuffles, and one that sorts wants 512 buffers for itself.
        "taskmanager.network.sort-shuffle.min-parallelism": SLOTS + 1,
        **{f"taskmanager.memory.{name}": size for name, size in MEMORY.items()},
    }


def overview(rest: int) -> dict[str, int]:
    """What Flink says of itself; nothing while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{rest}/overview", timeout=5) as answer:
            return json.load(answer)
    except URLError:
        return {}


@contextmanager
def job_server(folder: Path, rest: int) -> Iterator[str]:
    """Beam's job server for Flink: its endpoint."""
    job, artifact, expansion = free_ports(3)
    options = {
        "flink-master": f"127.0.0.1:{rest}",
        "job-host": "127.0.0.1",
        "job-port": job,
        "artifact-port": artifact,
        "expansion-port": expansion,
        "artifacts-dir": folder / "artifacts",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    with Server("job-server", folder, [f"{ROOT}/deploy/flink/job-server.sh", *words]) as server:
        server.await_that(lambda: answers(job))
        yield f"127.0.0.1:{job}"


@contextmanager
def prism(folder: Path, program: Path) -> Iterator[str]:
    """Beam's own portable runner, and its job server: one endpoint."""
    [job] = free_ports(1)
    words = [f"-job_port={job}", "-serve_http=false"]
    with Server("prism", folder, [str(program), *words]) as server:
        server.await_that(lambda: answers(job))
        yield f"127.0.0.1:{job}"
