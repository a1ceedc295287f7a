"""`evergreen predict`: has a server predict the rows of a file."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.project import Project, project_options
from evergreen.screen import console, next_step, table

if TYPE_CHECKING:
    import pyarrow as pa

    from evergreen.serving.client import Client
    from evergreen.serving.client.address import Protocol
    from evergreen.serving.client.tensors import Tensors

STDIN = "-"
ROWS_A_REQUEST = 1000
SHOWN_ROWS = 20
SHOWN_COLUMNS = 4
SHOWN_OUTPUTS = 6
Target = Annotated[
    str,
    typer.Option(
        help="host:port, or a URL (grpc://, grpcs://, http://, https://); this machine's "
        "port 8500, or 8501 with --rest, if not given."
    ),
]
Rest = Annotated[bool, typer.Option("--rest/--grpc", help="The API, if --target is not a URL.")]
Model = Annotated[str, typer.Option(help="The model's name; the project's model if not given.")]
Signature = Annotated[str, typer.Option(help="The signature of the model.")]
Version = Annotated[int | None, typer.Option(help="The version; the server's choice if not given.")]
Label = Annotated[str, typer.Option(help="The label, such as serving or canary.")]
ApiKey = Annotated[
    str, typer.Option(envvar="EVERGREEN_API_KEY", help="The gateway's API key.", show_default=False)
]
Ca = Annotated[Path | None, typer.Option(help="PEM file of the authorities to trust for TLS.")]


@project_options
def predict(
    project: Project,
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON lines; - for stdin.")],
    target: Target = "",
    rest: Rest = False,
    model: Model = "",
    signature: Signature = "serving_default",
    version: Version = None,
    label: Label = "",
    limit: Annotated[int, typer.Option(min=0, help="The number of rows to read; all if 0.")] = 0,
    output: Annotated[
        Path | None, typer.Option(help="Rows and predictions: .parquet, .csv or .jsonl.")
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(
            help="Text that stands for a missing value besides the empty field, such as NA; may be "
            "repeated. If not given, and without --model, data.missing of the project.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds a request may take.")] = 10.0,
    api_key: ApiKey = "",
    ca: Ca = None,
) -> None:
    """Sends the rows of a file to a running model server.

    Rows have the raw columns of the data; the model's metadata name those it takes. Other columns
    are not sent, and stay unchanged in the output. Values may be missing. If the project's model
    tells classes apart, the prediction is the name of the class, and a probability for each.

    Example: [bold]evergreen predict trips.csv --limit 10[/bold]
    """
    settings = None if model else project.settings
    name = settings.model.name if settings else model
    tokens = ["", *(missing or (settings.data.missing if settings else ()))]

    from evergreen.serving.client import Client, files
    from evergreen.serving.client.answers import columns

    if output:
        files.check_writable(output)
    protocol: Protocol = "rest" if rest else "grpc"
    with (
        _file(file) as path,
        Client(target, protocol, model=name, timeout=timeout, api_key=api_key, ca=ca) as client,
    ):
        rows = files.read(path).slice(0, limit or None)
        known = list(client.columns(signature, version, label))
        answers = _predict(client, files.to_ask(rows, known, tokens), signature, version, label)
        outputs = columns(answers, settings.model.classes if settings else ())
    if output:
        files.write(files.with_outputs(rows, outputs), output)
        typer.echo(f"{rows.num_rows} rows with {', '.join(outputs)}: {output}")
        next_step("evergreen loadtest --rows FILE measures how fast they are answered")
        return
    _show(rows, outputs, known or rows.column_names)
    next_step("--output predictions.parquet keeps all rows and columns")


@contextmanager
def _file(path: Path) -> Iterator[Path]:
    """Yields the file; for stdin, a temporary file with its content."""
    if str(path) != STDIN:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "stdin")
        copy.write_bytes(sys.stdin.buffer.read())
        yield copy


def _predict(
    client: "Client", rows: "pa.Table", signature: str, version: int | None, label: str
) -> "Tensors":
    import numpy as np

    tensors = client.inputs(rows, signature, version, label)
    starts = range(0, rows.num_rows, ROWS_A_REQUEST)
    parts = (
        {name: array[start : start + ROWS_A_REQUEST] for name, array in tensors.items()}
        for start in starts
    )
    answers = [client.ask(part, signature, version, label) for part in parts]
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}


def _show(rows: "pa.Table", outputs: "Tensors", known: list[str]) -> None:
    """Prints the first rows: the first outputs, and some of the inputs."""
    more = len(outputs) - SHOWN_OUTPUTS
    outputs = dict(islice(outputs.items(), SHOWN_OUTPUTS))
    columns = [name for name in rows.column_names if name in known][:SHOWN_COLUMNS]
    folds = columns if len(outputs) == 1 else [*outputs, *columns]
    shown = table("", "row>", *outputs, *columns, folds=folds)
    for number, row in enumerate(rows.slice(0, SHOWN_ROWS).to_pylist()):
        answers = [_short(array[number]) for array in outputs.values()]
        values = [_short(row[name]) for name in columns]
        shown.add_row(str(number + 1), *answers, *values)
    console().print(shown)
    if more > 0:
        typer.echo(f"and {more} outputs more")
    if rows.num_rows > SHOWN_ROWS:
        typer.echo(f"and {rows.num_rows - SHOWN_ROWS} rows more")


def _short(value: object) -> str:
    if value is None:
        return "-"
    try:
        return f"{value:.6g}"
    except (TypeError, ValueError):
        return str(value)
