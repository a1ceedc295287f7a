"""Runs the comparisons: rounds of all variants in turn, each round in another order."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from rich.console import Console

from benchmarks import machine
from benchmarks.pipeline.comparing import BUSY, rotated
from benchmarks.serving import large, lean, limit, reloading, servers
from benchmarks.serving.inprocess import InProcess
from benchmarks.serving.project import Bench
from benchmarks.serving.result import Comparison, Load, Result
from benchmarks.serving.rivals import running as rivals
from benchmarks.serving.servers import MODEL, Server
from evergreen.serving.client import Client
from evergreen.serving.client.rest_transport import path as rest_path

SECONDS = 6.0
MANY, SOME, FEW = 64, 16, 4
BATCH = 64
EXAMPLES, RAW = "serving_default", "raw"
Variant = Callable[[], Load]
BATCHING = """\
max_batch_size { value: 64 }
batch_timeout_micros { value: 4000 }
num_batch_threads { value: 1 }
"""
"""For 64 clients of a small model: a batch waits for those that are on their way, and one thread at
a time takes Python's lock from the server's loop."""


def compare(names: list[str], rounds: int, folder: Path, console: Console) -> Result:
    """Measures.

    Args:
        names: Which comparisons, of `COMPARISONS`.
        rounds: How often each variant is measured.
        folder: For everything that is written; model and environments are kept there.
        console: Shows a person how far it is.
    """
    here = machine.describe()
    if here.load > BUSY:
        console.print(
            f"[yellow]the machine is busy[/yellow] (load {here.load:.1f}): figures will be off"
        )
    bench = Bench(folder / "project")
    with console.status("training the model that is served"):
        bench.make()
    serving = Serving(bench, folder, rounds, console)
    return Result(
        machine=here,
        started=datetime.now(UTC),
        comparisons={name: COMPARISONS[name](serving) for name in names},
        rivals={rival.name: dict(p.split("==") for p in rival.packages) for rival in rivals.RIVALS},
    )


@dataclass(frozen=True)
class Serving:
    """What all comparisons need.

    Attributes:
        bench: The model that is served.
        folder: For logs and environments.
        rounds: How often each variant is measured.
        console: Shows a person how far it is.
    """

    bench: Bench
    folder: Path
    rounds: int
    console: Console

    @contextmanager
    def server(self, name: str, *flags: str) -> Iterator[Server]:
        """Runs `evergreen serve`."""
        log = self.folder / "logs" / f"{name}.log"
        with servers.evergreen(self.bench.overrides, log, *flags) as server:
            yield server

    def batching(self) -> tuple[str, str]:
        """Flags of batching with parameters for many clients."""
        file = self.folder / "batching.txt"
        file.write_text(BATCHING)
        return "--enable_batching", f"--batching_parameters_file={file}"

    def payloads(self, target: str, signature: str, rows: int) -> list[bytes]:
        """Returns requests to a server, named as a URL, serialized."""
        with Client(target, model=MODEL) as client:
            inputs = self.bench.inputs(client, signature, rows)
            return [client.encode(batch, signature) for batch in inputs]

    def asking(self, target: str, signature: str, rows: int, clients: int) -> Variant:
        """Returns a variant that asks a server, named as a URL."""
        payloads = self.payloads(target, signature, rows)
        with Client(target, model=MODEL) as client:
            url = f"{client.address}{rest_path(client.spec(None, None))}:predict"
            host, by_grpc = client.address.host, client.address.protocol == "grpc"

        def connect() -> AbstractAsyncContextManager[lean.Ask]:
            return lean.over_grpc(host) if by_grpc else lean.over_http(url)

        def variant() -> Load:
            return lean.measure(connect, payloads, clients, SECONDS, rows)

        return variant

    def in_process(self, server: Server, signature: str, rows: int) -> Variant:
        """Returns a variant that calls the same signature with the same rows here."""
        with Client(server.grpc, model=MODEL) as client:
            inputs = self.bench.inputs(client, signature, rows)
        model = InProcess(self.bench.model)
        return lambda: model.measure(signature, inputs, SECONDS, rows)

    def take_turns(self, title: str, variants: Mapping[str, Variant]) -> Comparison:
        """Measures all variants in each round."""
        measured = []
        for number in range(self.rounds):
            found = {}
            for name in rotated(list(variants), number):
                with self.console.status(f"{title}: {name}"):
                    found[name] = load = variants[name]()
                text = f"{load.qps:8.0f}/s  p50 {load.p50:7.2f}  p99 {load.p99:7.2f} ms"
                self.console.print(f"{title:<44} {name:<16} {text}", highlight=False)
            measured.append(found)
        return Comparison(title=title, rounds=tuple(measured))


def _one_client(serving: Serving) -> Comparison:
    log = serving.folder / "logs" / "limit.log"
    with serving.server("one") as server, limit.does_nothing(log) as nothing:
        payloads = serving.payloads(f"grpc://{server.grpc}", EXAMPLES, 1)
        variants = {
            "in process": serving.in_process(server, EXAMPLES, 1),
            "gRPC": lambda: lean.blocking(server.grpc, payloads, SECONDS, 1),
            "a gRPC server that does nothing": lambda: lean.blocking(
                nothing.grpc, payloads, SECONDS, 1
            ),
            "REST": serving.asking(f"http://{server.rest}", EXAMPLES, 1, 1),
        }
        return serving.take_turns("one client, one row a request", variants)


def _batching(serving: Serving) -> Comparison:
    log = serving.folder / "logs" / "limit.log"
    with (
        serving.server("alone") as alone,
        serving.server("batching", *serving.batching()) as batching,
        limit.does_nothing(log) as nothing,
    ):
        payloads = serving.payloads(f"grpc://{alone.grpc}", EXAMPLES, 1)
        variants = {
            "without batching": _asking(alone, payloads),
            "with batching": _asking(batching, payloads),
            "a gRPC server that does nothing": _asking(nothing, payloads),
        }
        return serving.take_turns(f"{MANY} clients, one row a request", variants)


def _large(serving: Serving) -> Comparison:
    versions = large.save(serving.folder / large.FOLDER)
    logs = serving.folder / "logs"
    with (
        large.serving(sys.executable, versions, logs / "large.log") as alone,
        large.serving(
            sys.executable, versions, logs / "large-batching.log", *serving.batching()
        ) as batching,
    ):
        payloads = large.payloads()
        variants = {
            "without batching": _asking(alone, payloads),
            "with batching": _asking(batching, payloads),
        }
        title = f"{MANY} clients, one row a request, a model of 64 MiB"
        return serving.take_turns(title, variants)


def _asking(server: Server, payloads: list[bytes]) -> Variant:
    return lambda: lean.measure(lambda: lean.over_grpc(server.grpc), payloads, MANY, SECONDS, 1)


def _rows(serving: Serving) -> Comparison:
    with serving.server("rows", "--enable_batching") as server:
        variants = {
            "in process": serving.in_process(server, EXAMPLES, BATCH),
            "gRPC": serving.asking(f"grpc://{server.grpc}", EXAMPLES, BATCH, FEW),
        }
        return serving.take_turns(f"{FEW} clients, {BATCH} rows a request", variants)


def _gateway(serving: Serving) -> Comparison:
    log = serving.folder / "logs" / "gateway.log"
    with (
        serving.server("behind", "--enable_batching") as server,
        servers.gateway(server, serving.bench.overrides, log) as gateway,
    ):
        variants = {
            f"{name}, {clients} {'client' if clients == 1 else 'clients'}": serving.asking(
                f"grpc://{target.grpc}", EXAMPLES, 1, clients
            )
            for clients in (1, MANY)
            for name, target in (("server", server), ("gateway", gateway))
        }
        return serving.take_turns("gateway, one row a request", variants)


def _rivals(serving: Serving) -> Comparison:
    with ExitStack() as stack:
        server = stack.enter_context(serving.server("ours", "--enable_batching"))
        variants = {
            "ours, REST": serving.asking(f"http://{server.rest}", RAW, 1, SOME),
            "ours, gRPC": serving.asking(f"grpc://{server.grpc}", RAW, 1, SOME),
        }
        with Client(server.grpc, model=MODEL) as client:
            rows = rivals.rows(serving.bench.inputs(client, RAW, 1))
        for rival in rivals.RIVALS:
            with serving.console.status(f"starting {rival.name}; it is installed the first time"):
                url = stack.enter_context(
                    rivals.serving(rival, serving.bench.model, serving.folder, rows[0])
                )
            variants[rival.name] = _asking_rival(url, [rival.encode(row) for row in rows])
        return serving.take_turns(f"{SOME} clients, one row a request", variants)


def _asking_rival(url: str, payloads: list[bytes]) -> Variant:
    return lambda: lean.measure(lambda: lean.over_http(url), payloads, SOME, SECONDS, 1)


def _reloading(serving: Serving) -> Comparison:
    title = f"new versions, {reloading.CLIENTS} clients, one row a request"
    with serving.server("reload-payloads") as server, Client(server.grpc, model=MODEL) as client:
        inputs = serving.bench.inputs(client, EXAMPLES, 1)
        payloads = [client.encode(batch, EXAMPLES) for batch in inputs]
    measured = []
    for number in range(serving.rounds):
        folder = serving.folder / "versions"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        log = serving.folder / "logs" / "reload.log"
        with serving.console.status(f"{title}: round {number + 1}"):
            measured.append(reloading.measure(serving.bench.model, payloads, folder, log))
        figures = orjson.dumps({name: load.p99 for name, load in measured[-1].items()}).decode()
        serving.console.print(f"{title:<44} p99 {figures}", highlight=False)
    return Comparison(title=title, rounds=tuple(measured))


COMPARISONS: dict[str, Callable[[Serving], Comparison]] = {
    "one": _one_client,
    "batching": _batching,
    "large": _large,
    "rows": _rows,
    "gateway": _gateway,
    "rivals": _rivals,
    "reload": _reloading,
}
