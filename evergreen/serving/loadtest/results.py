"""Results of a load test: as JSON, and as tables and lines for a terminal."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evergreen.screen import table
from evergreen.serving.loadtest.plan import Load
from evergreen.serving.loadtest.samples import BUSY, Samples, join

Results = Mapping[str, Sequence[Samples]]
"""The rounds by target."""
STEPS = 8
SHOWN_ERRORS = 3
KEPT_UP = 0.95
COLUMNS = ("QPS", "rows/s", "p50 ms", "p95 ms", "p99 ms", "errors")


def to_json(results: Results, load: Load, batch: int) -> dict[str, Any]:
    """Returns all figures: by target, by round, over time, and as ratios to the first target."""
    joined = {name: join(rounds) for name, rounds in results.items()}
    figures = {name: samples.figures() for name, samples in joined.items()}
    first = next(iter(figures.values()))
    return {
        "load": str(load),
        "batch": batch,
        "targets": {
            name: {
                **figures[name],
                "rows_per_second": figures[name]["qps"] * batch,
                "ratio_to_first": {
                    key: figures[name][key] / first[key] if first[key] else None
                    for key in ("qps", "p50_ms", "p95_ms", "p99_ms")
                },
                "messages": dict(joined[name].errors.most_common()),
                "rounds": [result.figures() for result in results[name]],
                "over_time": joined[name].windows(joined[name].seconds / STEPS),
            }
            for name in results
        },
    }


def write(content: dict[str, Any], file: Path) -> None:
    """Writes the figures, with null for numbers that JSON does not have."""
    file.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def show(console: Console, content: dict[str, Any], load: Load) -> None:
    """Prints tables, errors, and remarks on the figures."""
    targets: dict[str, dict[str, Any]] = content["targets"]
    console.print(_by_target(content))
    if load.ramp:
        for name, figures in targets.items():
            console.print(_over_time(name, figures["over_time"], content["batch"], load))
    for name, figures in targets.items():
        for text, count in islice(figures["messages"].items(), SHOWN_ERRORS):
            line = f"[red]{escape(name)}: {count} times {escape(text)}[/red]"
            console.print(line, highlight=False, soft_wrap=True)
        for remark in _remarks(name, figures, load):
            console.print(f"[yellow]{remark}[/yellow]", highlight=False, soft_wrap=True)


def _by_target(content: dict[str, Any]) -> Table:
    shown = _table(f"{content['load']}, {content['batch']} rows a request", "target", *COLUMNS)
    targets = content["targets"].items()
    for name, figures in targets:
        shown.add_row(escape(name), *_cells(figures, content["batch"]))
    for name, figures in list(targets)[1:]:
        ratios = figures["ratio_to_first"]
        cells = [_times(ratios[key]) for key in ("qps", "qps", "p50_ms", "p95_ms", "p99_ms")]
        shown.add_row(f"[dim]{escape(name)}, times the first[/dim]", *cells, "")
    return shown


def _over_time(name: str, windows: Sequence[dict[str, float]], batch: int, load: Load) -> Table:
    grows = "asked/s" if load.rate else "clients"
    shown = _table(f"{name}, as the load grows", "from second", grows, *COLUMNS)
    for window in windows:
        asked = load.rate_at(window["second"]) if load.rate else window["clients"]
        shown.add_row(f"{window['second']:.1f}", f"{asked:.0f}", *_cells(window, batch))
    return shown


def _remarks(name: str, figures: dict[str, Any], load: Load) -> list[str]:
    remarks = []
    if figures["generator_cores"] > BUSY:
        remarks.append(
            f"{escape(name)}: the load generator used {figures['generator_cores']:.2f} cores, all "
            "that Python can: the server may do more than this."
        )
    if load.rate and not load.ramp and figures["qps"] < KEPT_UP * load.rate:
        remarks.append(
            f"{escape(name)}: {figures['qps']:.0f} of {load.rate:g} requests/s were answered: "
            "the rest waits, and latency grows as long as the test is."
        )
    return remarks


def _cells(figures: Mapping[str, float], batch: int) -> list[str]:
    latency = [f"{figures[key]:.2f}" for key in ("p50_ms", "p95_ms", "p99_ms")]
    errors = int(figures["errors"])
    return [
        f"{figures['qps']:.0f}",
        f"{figures['qps'] * batch:.0f}",
        *latency,
        f"[red]{errors}[/red]" if errors else "0",
    ]


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"[dim]{ratio:.2f}[/dim]"


def _table(title: str, first: str, *columns: str) -> Table:
    return table(title, first, *(f"{column}>" for column in columns), folds=(first,))
