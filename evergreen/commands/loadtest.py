"""`evergreen loadtest`: puts load on a running model server."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.predict import ApiKey, Ca, Label, Model, Rest, Signature, Version
from evergreen.commands.project import Project, project_options
from evergreen.errors import EvergreenError
from evergreen.screen import next_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from evergreen.serving.client.address import Protocol
    from evergreen.serving.loadtest import Load, Target
    from evergreen.serving.loadtest.results import Results
    from evergreen.settings import Settings

Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        help="host:port, or a URL (grpc://, grpcs://, http://, https://); this machine if not "
        "given. Several are compared, in turns.",
    ),
]


@project_options
def loadtest(
    project: Project,
    targets: Targets = None,
    rest: Rest = False,
    model: Model = "",
    signature: Signature = "serving_default",
    version: Version = None,
    label: Label = "",
    clients: Annotated[
        int, typer.Option(min=1, help="Closed loop: clients that each wait for their answer.")
    ] = 8,
    rate: Annotated[
        float, typer.Option(min=0, help="Open loop: requests per second, independent of answers.")
    ] = 0.0,
    ramp: Annotated[
        bool, typer.Option("--ramp", help="Let the clients, or the rate, grow.")
    ] = False,
    seconds: Annotated[int, typer.Option(min=1, help="The duration for each target.")] = 10,
    batch: Annotated[int, typer.Option(min=1, help="Rows per request.")] = 1,
    rows: Annotated[Path | None, typer.Option(help="CSV, Parquet or JSON lines.")] = None,
    span: Annotated[int, typer.Option(min=0, help="A span of the project whose rows to send.")] = 0,
    output: Annotated[Path, typer.Option(help="Folder for chart and figures.")] = Path(
        "var/loadtest"
    ),
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds a request may take.")] = 10.0,
    api_key: ApiKey = "",
    ca: Ca = None,
) -> None:
    """Measures a running model server: answers per second, latency, errors.

    Requests are real rows: from --rows, from a --span, or by default those recorded in the
    project's newest pushed version. They are prepared before the load starts.

    Example: [bold]evergreen loadtest --clients 64 --rows trips.csv[/bold]
    """
    from rich.console import Console

    from evergreen.serving.client import Client
    from evergreen.serving.loadtest import Load, sources
    from evergreen.serving.loadtest import rounds as running

    question = sources.Question(signature, version, label, batch)
    load = Load(clients, rate, ramp, seconds)
    name = model or project.settings.model.name
    paths = [rows] if rows else _span_files(project.settings, span) if span else []
    source = (
        sources.of_files(paths) if paths else sources.recorded(_pushed(project.settings, version))
    )
    protocol: Protocol = "rest" if rest else "grpc"
    asked = []
    for text in targets or [""]:
        with Client(text, protocol, model=name, timeout=timeout, api_key=api_key, ca=ca) as client:
            asked.append(sources.target(client, question, source, ca))
    console = Console()
    with console.status("") as status:
        found = running.run(asked, load, timeout, status.update)
    named = dict(zip(_names(asked), found, strict=True))
    _report(console, named, load, batch, output)


def _names(targets: "Sequence[Target]") -> list[str]:
    """Returns the addresses; a repeated address gets a number."""
    names = [str(target.address) for target in targets]
    return [
        f"{name} ({count})" if (count := names[: at + 1].count(name)) > 1 else name
        for at, name in enumerate(names)
    ]


def _span_files(settings: "Settings", number: int) -> list[Path]:
    from evergreen.spans import select

    return [path for span in select(settings.data.span_root, str(number)) for path in span.files]


def _pushed(settings: "Settings", version: int | None) -> Path:
    """Returns the folder of a version; the newest pushed one by default."""
    base = settings.serving.base_path
    versions = [int(path.name) for path in base.glob("[0-9]*") if path.name.isdecimal()]
    if version is None and not versions:
        raise EvergreenError(
            f"no version has been pushed to {base}, whose requests could be sent.",
            hint="Give a file with --rows, or push a model: evergreen run",
        )
    return base / str(version if version is not None else max(versions))


def _report(console: "Console", found: "Results", load: "Load", batch: int, folder: Path) -> None:
    from evergreen.serving.loadtest import chart, results
    from evergreen.serving.loadtest.samples import join

    content = results.to_json(found, load, batch)
    results.show(console, content, load)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    joined = {target: join(rounds) for target, rounds in found.items()}
    chart.draw(joined, f"{load}, {batch} rows a request", folder / f"{name}.svg")
    results.write(content, folder / f"{name}.json")
    typer.echo(f"figures: {folder / name}.json")
    next_step(f"open the chart, {folder / name}.svg")
