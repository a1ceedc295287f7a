"""The script for Locust: `python -m locust -f locustfile.py Closed --plan FILE ...`.

Locust has its own process, since gevent changes Python's sockets and threads process-wide.
"""

# Locust's events and gevent have no types.
# mypy: disable-error-code="import-untyped,import-not-found,untyped-decorator,no-untyped-call"
import time
from argparse import ArgumentParser
from collections.abc import Callable
from itertools import count, cycle
from pathlib import Path
from typing import Any

import gevent
import grpc
import grpc.experimental.gevent as grpc_gevent
import orjson
from gevent.pool import Pool
from geventhttpclient import HTTPClient
from locust import User, constant, events, task
from locust.env import Environment

from evergreen.channels import channel as open_channel
from evergreen.serving.loadtest.plan import PREDICT, WARM_UP, Round

Ask = Callable[[bytes], None]
"""Raises FailedError if there is no good answer."""
ERROR = 400
_numbers = count()
MOST_IN_FLIGHT = 1000
"""The most concurrent requests of the open loop. A request that waits for its turn is late; its
latency counts from when it was due."""


class FailedError(Exception):
    """Raised for a request without an answer, or with an error."""


def connect(round_: Round, concurrency: int) -> Ask:
    """Opens a separate connection, for several greenlets.

    Args:
        round_: The round.
        concurrency: The most HTTP connections.
    """
    return {"grpc": _grpc, "rest": _rest}[round_.target.address.protocol](round_, concurrency)


def _grpc(round_: Round, _: int) -> Ask:
    target = round_.target
    # A unique argument gives the channel its own connection: gRPC shares those of equal channels.
    options = [("evergreen.client", next(_numbers)), ("grpc.max_receive_message_length", -1)]
    keys = None
    if target.address.tls:
        keys = grpc.ssl_channel_credentials(target.ca.read_bytes() if target.ca else None)
    channel = open_channel(target.address.host, options, keys)
    predict = channel.unary_unary(PREDICT, None, None)
    metadata = tuple(target.headers.items())

    def ask(payload: bytes) -> None:
        try:
            predict(payload, timeout=round_.timeout, metadata=metadata)
        except grpc.RpcError as error:
            raise FailedError(f"{error.code().name}: {error.details()}") from error

    return ask


def _rest(round_: Round, concurrency: int) -> Ask:
    target = round_.target
    trust: dict[str, Any] = {"ssl_options": {"ca_certs": str(target.ca)}} if target.ca else {}
    client = HTTPClient.from_url(
        f"{target.address}/",
        concurrency=concurrency,
        network_timeout=round_.timeout,
        connection_timeout=round_.timeout,
        headers=target.headers | {"content-type": "application/json"},
        **trust,
    )

    def ask(payload: bytes) -> None:
        try:
            response = client.post(target.path, payload)
            body = response.read()
        except (OSError, ValueError) as error:  # ValueError: the answer is not HTTP
            raise FailedError(f"{type(error).__name__}: {error}") from error
        if response.status_code >= ERROR:
            raise FailedError(f"HTTP {response.status_code}: {bytes(body[:200]).decode()}")

    return ask


class SampleRecorder:
    """Collects samples in memory, and writes them when the round is over.

    Attributes:
        round: The round.
        start: Its start; times are seconds from here.
    """

    def __init__(self, round_: Round) -> None:
        self.round = round_
        self.start = time.perf_counter()
        self._cpu = time.process_time()
        self._ended: list[float] = []
        self._seconds: list[float] = []
        self._errors: dict[int, str] = {}
        self._clients: list[float] = []

    def add_client(self) -> None:
        """Notes that another client has begun."""
        self._clients.append(self.now())

    def now(self) -> float:
        """Returns the seconds since the start."""
        return time.perf_counter() - self.start

    def add(self, response_time: float, exception: Exception | None, **_: Any) -> None:
        """Adds a finished request; takes the arguments of Locust's event."""
        if exception:
            self._errors[len(self._ended)] = str(exception)
        self._ended.append(self.now())
        self._seconds.append(response_time / 1000)

    def write(self, **_: Any) -> None:
        """Writes the samples."""
        cpu = (time.process_time() - self._cpu) / self.now()
        content = {
            "ended": self._ended,
            "seconds": self._seconds,
            "errors": {str(at): text for at, text in self._errors.items()},
            "clients": self._clients,
            "cpu": cpu,
        }
        self.round.result.write_bytes(orjson.dumps(content))


@events.init_command_line_parser.add_listener
def add_plan(parser: ArgumentParser) -> None:
    """Adds Evergreen's option."""
    parser.add_argument(
        "--plan", type=Path, required=True, help="A round, as Round.write writes it"
    )


@events.init.add_listener
def prepare(**_: Any) -> None:
    """Makes gRPC work with gevent."""
    grpc_gevent.init_gevent()


@events.test_start.add_listener
def start_recording(environment: Environment, **_: Any) -> None:
    """Starts recording, and ends the test in time: --run-time also counts Locust's own start."""
    assert environment.parsed_options
    assert environment.runner
    recorder = SampleRecorder(Round.read(environment.parsed_options.plan))
    environment.recorder = recorder  # type: ignore[attr-defined]
    environment.events.request.add_listener(recorder.add)
    environment.events.quitting.add_listener(recorder.write)
    gevent.spawn_later(WARM_UP + recorder.round.load.seconds, environment.runner.quit)


class Asking(User):
    """Sends the payloads in turn."""

    abstract = True
    wait_time = constant(0)
    concurrency = 1

    def on_start(self) -> None:
        """Connects."""
        self.recorder: SampleRecorder = self.environment.recorder
        self.payloads = cycle(self.recorder.round.target.payloads)
        self.send = connect(self.recorder.round, self.concurrency)
        self.recorder.add_client()

    def ask(self, payload: bytes, due: float) -> None:
        """Sends a request, and reports it to Locust."""
        failure: FailedError | None = None
        try:
            self.send(payload)
        except FailedError as error:
            failure = error
        self.environment.events.request.fire(
            request_type=self.recorder.round.target.address.protocol,
            name="predict",
            response_time=(self.recorder.now() - due) * 1000,
            response_length=0,
            exception=failure,
            context={},
        )


class Closed(Asking):
    """A client that sends its next request when the last is answered."""

    @task
    def send(self) -> None:
        """Sends one request."""
        self.ask(next(self.payloads), self.recorder.now())


class Open(Asking):
    """Sends requests at their due times, whatever the fate of earlier ones."""

    concurrency = MOST_IN_FLIGHT

    def on_start(self) -> None:
        """Connects."""
        super().on_start()
        self.first = self.recorder.now()
        self.numbers = count()
        self.pool = Pool(MOST_IN_FLIGHT)

    @task
    def send(self) -> None:
        """Waits until the next request is due, and sends it in the background."""
        due = self.first + self.recorder.round.load.due(next(self.numbers))
        gevent.sleep(max(0.0, due - self.recorder.now()))
        self.pool.spawn(self.ask, next(self.payloads), due)

    def on_stop(self) -> None:
        """Waits for requests in flight."""
        self.pool.join(self.recorder.round.timeout)
