"""The environment of one policy: own settings, model server and gateway, with shared metadata."""

import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow.dataset as ds
import urllib3
import yaml
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from evergreen.errors import EvergreenError
from evergreen.launch import evergreen, options
from evergreen.replay.policies import Policy, triggers
from evergreen.settings import Settings, load_settings

SECONDS = 120
MIN_SAMPLE = 30


class World:
    """The environment of one policy.

    Attributes:
        settings: The policy's settings.
        folder: The policy's folder.
    """

    def __init__(
        self,
        policy: Policy,
        settings: Settings,
        project: Path,
        config: Sequence[str],
        overrides: Sequence[str],
    ) -> None:
        """Derives its settings; starts nothing.

        Args:
            policy: The policy.
            settings: The project's settings.
            project: The project's folder.
            config: The environments of the project's settings.
            overrides: Overrides of the project's settings.
        """
        self.folder = settings.replay.folder / policy
        self.folder.mkdir(parents=True)
        self._overlay = self.folder / "settings.yaml"
        self._overlay.write_text(yaml.safe_dump(self._changes(policy, settings)))
        self._project = project
        self._options = [*config, str(self._overlay)], list(overrides)
        self._use_case = settings.use_case
        self.settings = load_settings(project, *self._options, self._use_case)

    def _changes(self, policy: Policy, settings: Settings) -> dict[str, object]:
        here, shared = self.folder, settings.replay.folder
        ports = [_free_port() for _ in range(4)]
        return {
            "model": {"name": f"{settings.model.name}-{policy}"},
            "pipeline": {"root": f"{shared}/pipeline"},
            "metadata": {"sqlite": f"{shared}/metadata.sqlite"},
            "data": {"spans": f"{here}/spans"},
            "serving": {"base_path": f"{here}/serving"},
            "reports": {"folder": f"{here}/reports"},
            "logs": {"folder": f"{here}/logs"},
            "monitoring": {
                "folder": f"{here}/monitoring",
                # All answers of a version within the minutes of the replay.
                "labels": {"folder": f"{here}/labels", "lookback_days": 1},
                # Monitoring happens now, but the data are old.
                "max_age_days": None,
            },
            "triggers": triggers(policy, settings),
            "gateway": {
                "port": ports[0],
                "rest_api_port": ports[1],
                "poll_seconds": 0.2,
                "backend": {
                    "grpc": f"127.0.0.1:{ports[2]}",
                    "rest": f"127.0.0.1:{ports[3]}",
                },
                # No waiting: a quarter has few requests, and takes seconds.
                "canary": {"steps": [50], "hold_seconds": 0},
                "limits": {"min_sample": MIN_SAMPLE, "latency_ratio": None},
                "log": {"folder": f"{here}/predictions", "rotate_seconds": 0.5},
            },
        }

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Runs the model server and the gateway."""
        backend = self.settings.gateway.backend
        ports = [address.rpartition(":")[2] for address in (backend.grpc, backend.rest)]
        serve = ("serve", f"--port={ports[0]}", f"--rest_api_port={ports[1]}")
        with self._process(*serve), self._process("gateway"):
            self.wait("the gateway", lambda: self.healthz().get("well"))
            yield

    def healthz(self) -> dict[str, object]:
        """Returns the gateway's health report; empty if it does not answer."""
        url = f"http://127.0.0.1:{self.settings.gateway.rest_api_port}/healthz"
        try:
            return dict(urllib3.request("GET", url, retries=False, timeout=SECONDS).json())
        except urllib3.exceptions.HTTPError:
            return {}

    def land(self, span: Path) -> None:
        """Copies a complete version of a span, atomically."""
        root = self.settings.data.span_root
        target = root / span.parent.name / span.name
        staging = root / f".staging-{span.parent.name}"
        shutil.copytree(span, staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        staging.rename(target)

    def wait_for_log(self, rows: int) -> None:
        """Waits until the log of predictions has that many rows."""
        folder = self.settings.gateway.log.folder
        assert folder is not None
        self.wait("the log", lambda: folder.is_dir() and _rows(folder) >= rows)

    def wait(self, what: str, check: Callable[[], object]) -> None:
        """Polls until a condition on other processes holds.

        Raises:
            EvergreenError: If that takes too long.
        """
        retrying = Retrying(
            retry=retry_if_result(lambda found: not found),
            stop=stop_after_delay(SECONDS),
            wait=wait_fixed(0.1),
            retry_error_callback=lambda _: False,
        )
        if not retrying(check):
            raise EvergreenError(
                f"{what} did not get there within {SECONDS} s.", hint=f"The logs: {self.folder}"
            )

    @contextmanager
    def _process(self, *words: str) -> Iterator[None]:
        command = evergreen(*words, *options(self._project, self._use_case, *self._options))
        with (self.folder / f"{words[0]}.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)


def _rows(folder: Path) -> int:
    return int(ds.dataset(folder, format="parquet", partitioning="hive").count_rows())


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])
