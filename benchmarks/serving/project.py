"""The model that is served: made by a run of the pipeline, in a folder of its own."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benchmarks.pipeline.variants import EVERGREEN, PROJECT
from benchmarks.serving.servers import settings
from data.taxi.source import read_source, sample_path
from evergreen.errors import EvergreenError
from evergreen.serving.client import Client
from evergreen.serving.client.tensors import Tensors

ROWS = 2048
SPANS = "1-3"


@dataclass(frozen=True)
class Bench:
    """A project with a model that serves.

    Attributes:
        folder: Everything is below it.
    """

    folder: Path

    @property
    def model(self) -> Path:
        """The folder of the version that serves."""
        return self.folder / "serving" / "1"

    @property
    def overrides(self) -> list[str]:
        """Settings that keep everything below the folder."""
        return [
            f"pipeline.root={self.folder}/pipeline",
            f"data.spans={self.folder}/spans",
            f"metadata.sqlite={self.folder}/metadata.sqlite",
            f"serving.base_path={self.folder}/serving",
            f"reports.folder={self.folder}/reports",
            f"logs.folder={self.folder}/logs",
        ]

    def make(self) -> None:
        """Runs the pipeline, unless there is a model.

        Raises:
            EvergreenError: If a command fails.
        """
        if (self.model / "saved_model.pb").is_file():
            return
        for words in (["data", "prepare"], ["run", "--spans", SPANS]):
            command = [str(EVERGREEN), *words, *settings(self.overrides)]
            ran = subprocess.run(  # noqa: S603 - our own
                command, cwd=PROJECT, check=False, capture_output=True, text=True
            )
            if ran.returncode:
                raise EvergreenError(f"{' '.join(words)}: failed", hint=ran.stdout + ran.stderr)

    def inputs(self, client: Client, signature: str, rows: int) -> list[Tensors]:
        """Returns inputs of requests, of real trips.

        Args:
            client: Of a server of the model.
            signature: Which one is asked.
            rows: In a request.
        """
        trips: pa.Table = read_source(sample_path()).slice(0, ROWS)
        if names := list(client.columns(signature)):
            trips = trips.select(names)
        starts: Sequence[int] = range(0, trips.num_rows - rows + 1, rows)
        return [client.inputs(trips.slice(at, rows), signature) for at in starts]
