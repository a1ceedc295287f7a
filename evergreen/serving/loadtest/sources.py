"""Sources of requests for a load test: real rows, or the requests recorded in a pushed model."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from evergreen.errors import DataError
from evergreen.muted import tensorflow_muted
from evergreen.serving.client import Client, files
from evergreen.serving.client.rest_transport import path
from evergreen.serving.client.tensors import Tensors
from evergreen.serving.loadtest.plan import Target

MOST_ROWS = 10_000


@dataclass(frozen=True)
class Question:
    """The kind of request to send, to any server.

    Attributes:
        signature: The signature.
        version: A version, or None.
        label: A label, or empty.
        batch: Rows per request.
    """

    signature: str
    version: int | None
    label: str
    batch: int


Source = Callable[[Client, Question], Sequence[Tensors]]
"""Makes the inputs of requests for a server, whose metadata describe the model's inputs.

Raises:
    DataError: If there are too few rows for a request, or they do not fit the model.
    ServerError: If the server does not answer.
"""


def target(client: Client, question: Question, source: Source, ca: Path | None = None) -> Target:
    """Makes a target of a client's server. Raises the errors of the source."""
    which = (question.signature, question.version, question.label)
    payloads = [client.encode(inputs, *which) for inputs in source(client, question)]
    url = f"{path(client.spec(question.version, question.label))}:predict"
    return Target(client.address, url, client.headers, payloads, ca)


def of_files(paths: Sequence[Path]) -> Source:
    """Returns a source of rows from files: the first `MOST_ROWS`, in whole requests."""

    def source(client: Client, question: Question) -> list[Tensors]:
        which = (question.signature, question.version, question.label)
        read = pa.concat_tables([files.read(path) for path in paths])
        rows = files.to_ask(read, client.columns(*which), ("",))
        count, batch = min(rows.num_rows, MOST_ROWS), question.batch
        if count < batch:
            raise DataError(
                f"{count} rows are not enough for one request of {batch}.",
                hint="Give a longer file, or a smaller --batch.",
            )
        starts = range(0, count - batch + 1, batch)
        return [client.inputs(rows.slice(at, batch), *which) for at in starts]

    return source


def recorded(model: Path) -> Source:
    """Returns a source of the requests that a pushed version has for its warm-up."""

    def source(_: Client, question: Question) -> list[Tensors]:
        found = [inputs for name, inputs in _read(model) if name == question.signature]
        fit = [inputs for inputs in found if _rows(inputs) == question.batch]
        if not fit:
            sizes = ", ".join(str(size) for size in sorted(set(map(_rows, found))))
            raise DataError(
                f"{model} carries no requests of {question.batch} rows for the signature "
                f"{question.signature}" + (f"; it has some of {sizes} rows." if sizes else "."),
                hint="Give a file with --rows, or a span with --span.",
            )
        return fit

    return source


def _read(model: Path) -> Iterator[tuple[str, Tensors]]:
    if not (model / "assets.extra" / "tf_serving_warmup_requests").is_file():
        return
    with tensorflow_muted():
        from evergreen.serving.trial.recorded import read_requests

    for request in read_requests(model):
        yield request.signature, request.inputs


def _rows(inputs: Tensors) -> int:
    return len(next(iter(inputs.values())))
