"""Makes the environments of the rivals, and starts their servers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.rivals import environment, run
from benchmarks.serving import servers
from evergreen.serving.client.tensors import Tensors

HERE = Path(__file__).parent
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": ""}
TENSORFLOW = "tensorflow==2.21.0"
Row = dict[str, float | int | str | None]


@dataclass(frozen=True)
class Rival:
    """A server from PyPI.

    Attributes:
        name: What people call it.
        packages: What is installed, pinned.
        path: Where it is asked.
        encode: Makes the body of a request of one row.
        command: From its interpreter, the SavedModel, a folder and a port to what starts it.
    """

    name: str
    packages: tuple[str, ...]
    path: str
    encode: Callable[[Row], bytes]
    command: Callable[[Path, Path, Path, int], Sequence[str]]


def _mlflow(python: Path, saved: Path, folder: Path, port: int) -> Sequence[str]:
    model = folder / "mlflow-model"
    if not model.exists():
        run([str(python), str(HERE / "mlflow_model.py"), str(saved), str(model)])
    mlflow = python.with_name("mlflow")
    where = ("--host", "127.0.0.1", "--port", str(port))
    return [str(mlflow), "models", "serve", "-m", str(model), "--env-manager", "local", *where]


def _litserve(python: Path, saved: Path, _: Path, port: int) -> Sequence[str]:
    return [str(python), str(HERE / "litserve_server.py"), str(saved), str(port)]


def _split(row: Row) -> bytes:
    split = {"columns": list(row), "data": [list(row.values())]}
    return orjson.dumps({"dataframe_split": split})


RIVALS = (
    Rival("MLflow", ("mlflow==3.17.2", TENSORFLOW), "/invocations", _split, _mlflow),
    Rival("LitServe", ("litserve==0.2.19", TENSORFLOW), "/predict", orjson.dumps, _litserve),
)


@contextmanager
def serving(rival: Rival, saved: Path, folder: Path, row: Row) -> Iterator[str]:
    """Runs a rival's server.

    Args:
        rival: Which.
        saved: The SavedModel.
        folder: For environments, logs and what the rival makes of the model.
        row: One to ask whether it is ready.

    Yields:
        The URL that is asked.
    """
    python = environment(rival.name, rival.packages, folder / "venvs")
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}{rival.path}"
    command = rival.command(python, saved, folder, port)
    path = f"{python.parent}:/usr/bin:/bin"

    def is_ready() -> bool:
        return servers.answers(url, rival.encode(row))

    log = folder / "logs" / f"{rival.name}.log"
    with servers.running(command, log, is_ready, {**QUIET, "PATH": path}):
        yield url


def rows(inputs: Sequence[Tensors]) -> list[Row]:
    """Returns rows for JSON from the inputs of requests of one row each; null for NaN."""
    return [{name: _plain(array[0]) for name, array in batch.items()} for batch in inputs]


def _plain(value: object) -> float | int | str | None:
    if isinstance(value, bytes):
        return value.decode()
    plain = value.item()  # type: ignore[attr-defined]
    return None if plain != plain else plain  # noqa: PLR0124 - NaN
