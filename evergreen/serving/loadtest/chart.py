"""The chart of a load test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from evergreen.serving.loadtest.samples import Samples

WIDTH_SECONDS = 1.0
SIZE = (11, 4.2)
MARKS = (50, 95, 99)
DRAWN = 1000


def draw(results: Mapping[str, Samples], title: str, file: Path) -> None:
    """Draws the latency distribution and the throughput of each target.

    Args:
        results: The samples by target.
        title: A description of the load.
        file: An `.svg` or `.png` file.
    """
    figure = Figure(SIZE, layout="constrained")
    figure.suptitle(title, fontsize=11)
    latency, throughput = figure.subplots(1, 2)
    for name, samples in results.items():
        _add_latency(latency, name, samples)
        _add_throughput(throughput, name, samples)
    latency.set(xscale="log", ylim=(0, 100), xlabel="latency, ms", ylabel="answered within, %")
    latency.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    latency.xaxis.set_major_formatter("{x:g}")
    latency.xaxis.set_minor_formatter(NullFormatter())
    throughput.set(ylim=(0, None), xlabel="time, s", ylabel="answers a second")
    for axes in (latency, throughput):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9, loc="best")
    metadata: dict[str, Any] = {"Date": None} if file.suffix == ".svg" else {}
    figure.savefig(file, metadata=metadata)


def _add_latency(axes: Axes, name: str, samples: Samples) -> None:
    values = np.sort(samples.latency[samples.ok])
    if not len(values):
        axes.plot([], [], label=f"{name}: no answer")
        return
    shares = np.arange(1, len(values) + 1) / len(values) * 100
    steps = np.unique(np.linspace(0, len(values) - 1, DRAWN).astype(int))
    marks = np.percentile(values, MARKS)
    text = ", ".join(f"p{share} {mark:.3g}" for share, mark in zip(MARKS, marks, strict=True))
    (line,) = axes.plot(values[steps], shares[steps], label=f"{name}\n{text}")
    axes.plot(marks, MARKS, "o", color=line.get_color(), markersize=4)


def _add_throughput(axes: Axes, name: str, samples: Samples) -> None:
    windows = samples.windows(WIDTH_SECONDS)
    seconds = [window["second"] + WIDTH_SECONDS / 2 for window in windows]
    (line,) = axes.plot(seconds, [window["qps"] for window in windows], label=name)
    if any(window["errors"] for window in windows):
        errors = [window["errors"] / WIDTH_SECONDS for window in windows]
        axes.plot(seconds, errors, ":", color=line.get_color(), label=f"{name}: errors")
