"""A server in a process of its own, as a user starts it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

ROOT = Path(__file__).parents[4]
READY = "Running gRPC ModelServer"


class Server:
    """A running server, and TensorFlow Serving's own clients of it."""

    def __init__(self, process: subprocess.Popen[str], address: str, rest: str, log: Path) -> None:
        self.process = process
        self.address = address
        self.rest = rest
        self.log = log
        self.channel = grpc.insecure_channel(address)
        self.predictions = PredictionServiceStub(self.channel)
        self.models = ModelServiceStub(self.channel)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start(*flags: str, log: Path) -> subprocess.Popen[str]:
    """Starts a server; its standard error goes to a log."""
    with log.open("w") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "evergreen.serving.model_server", *flags],
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )


@contextmanager
def server(*flags: str, log: Path) -> Iterator[Server]:
    """Runs a server, and ends it."""
    address, rest = f"127.0.0.1:{free_port()}", free_port()
    ports = [f"--port={address.partition(':')[2]}", f"--rest_api_port={rest}"]
    process = start(*ports, *flags, log=log)
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        running = Server(process, address, f"http://127.0.0.1:{rest}", log)
        grpc.channel_ready_future(running.channel).result(100)
        watchdog.cancel()
        yield running
        running.channel.close()
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def request(model: str, signature: str = "", **inputs: object) -> PredictRequest:
    """A request with inputs by name."""
    made = PredictRequest()
    made.model_spec.name = model
    made.model_spec.signature_name = signature
    for name, values in inputs.items():
        made.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return made
