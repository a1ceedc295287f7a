"""`evergreen serve` and `evergreen gateway` as a user starts them, and what they are asked."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
import urllib3
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from evergreen.lineage import stages
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
from evergreen.runs.plan import ModelRef
from evergreen.serving.protos import PredictionServiceStub
from evergreen.settings import Settings
from tests.project import ROOT
from tests.unit.serving.model_server.running import request

SECONDS = 120
X = tf.TensorSpec([None], tf.float32, "x")
Ask = Callable[[tf.Tensor], tf.Tensor]


def half_plus_one(x: tf.Tensor) -> tf.Tensor:
    return x / 2 + 1


def constant(x: tf.Tensor) -> tf.Tensor:
    return tf.fill(tf.shape(x), 1.25)


def slow(x: tf.Tensor) -> tf.Tensor:
    """Half plus one, after work that takes a hundred times as long, however busy the machine is."""
    matrix = tf.eye(400)
    for _ in tf.range(100):
        matrix = matrix @ matrix
    return x / 2 + matrix[0, 0]


def erroring(x: tf.Tensor) -> tf.Tensor:
    with tf.control_dependencies([tf.debugging.assert_less(x, -1e9, "the model is broken")]):
        return tf.identity(x)


def until(check: Callable[[], object]) -> None:
    """Waits until something is so; other processes do not tell when."""
    is_no = retry_if_result(lambda found: not found)
    Retrying(retry=is_no, stop=stop_after_delay(SECONDS), wait=wait_fixed(0.1))(check)


@dataclass
class World:
    """A store, a model server and a gateway before it."""

    settings: Settings
    registry: Registry
    command: Callable[..., list[str]]
    stub: PredictionServiceStub
    server: subprocess.Popen[bytes] | None = None

    def push(self, version: int, answer: Ask) -> None:
        """Saves a version and registers it; it is a canary unless it is the first."""

        @tf.function(input_signature=[X])
        def predict(x: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"y": answer(x)}

        model = tf.Module()
        model.predict = predict
        path = self.settings.serving.base_path / str(version)
        tf.saved_model.save(model, str(path), signatures={"serving_default": predict})
        found = ModelRef(version=version, artifact_id=version)
        assert self.registry.take_version(f"training {version}") == version
        evidence = {"path": str(path), "run": f"run {version}"}
        self.registry.register(found, "tester", "pushed", evidence, Stage.CANARY)

    def stages(self) -> dict[int, Stage]:
        return stages.stages(self.registry.events())

    def run(self, *words: str) -> str:
        """Runs a command of `evergreen` to its end."""
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False, env=WIDE
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def flood(self, count: int = 200) -> list[int]:
        """Asks often, one after the other; returns the versions that answered, 0 for errors."""

        def ask(x: float) -> int:
            asked = request(self.settings.model.name, x=[x])
            try:
                return int(self.stub.Predict(asked, timeout=SECONDS).model_spec.version.value)
            except grpc.RpcError:
                return 0

        return [ask(x) for x in np.random.default_rng(count).normal(size=count)]

    def decided(self, version: int) -> bool:
        """Asks once more; returns whether the canary has come to its end."""
        self.flood()
        return self.stages()[version] is not Stage.CANARY

    def healthz(self) -> dict[str, object] | None:
        """What the gateway says of itself; None if it does not answer."""
        url = f"http://127.0.0.1:{self.settings.gateway.rest_api_port}/healthz"
        try:
            return urllib3.request("GET", url, retries=False, timeout=SECONDS).json()
        except urllib3.exceptions.HTTPError:
            return None

    def is_well(self) -> bool:
        return bool((self.healthz() or {}).get("well"))

    @contextmanager
    def process(self, *words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        with log.open("wb") as stream:
            started = subprocess.Popen(self.command(*words), stderr=stream, stdout=stream, cwd=ROOT)
        try:
            yield started
        finally:
            started.send_signal(signal.SIGKILL)
            started.wait()


WIDE = os.environ | {"COLUMNS": "160"}
