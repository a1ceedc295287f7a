"""Draws the chart of a replay: quality by span, and the trainings of each policy."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from evergreen.replay.player import Played
from evergreen.replay.policies import Policy

COLORS = {
    Policy.NEVER: "#8c8c8c",
    Policy.ALWAYS: "#1f77b4",
    Policy.SCHEDULE: "#ff7f0e",
    Policy.TRIGGER: "#2ca02c",
}


def draw(played: Mapping[Policy, Sequence[Played]], loss: str, file: Path) -> None:
    """Draws the loss of each span, and a mark for each training.

    Args:
        played: The spans by policy.
        loss: The name of the loss.
        file: An SVG file.
    """
    figure = Figure(figsize=(8, 5), layout="constrained")
    quality, trainings = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    for row, (policy, spans) in enumerate(played.items()):
        numbers = [span.number for span in spans]
        losses = [span.losses.mean() for span in spans]
        quality.plot(numbers, losses, "o-", color=COLORS[policy], label=policy.value, markersize=4)
        for span in spans:
            for run in span.runs:
                filled = COLORS[policy] if run.outcome == "pushed" else "none"
                trainings.scatter(span.number, row, color=COLORS[policy], facecolor=filled)
    quality.set_ylabel(f"{loss} of the answers")
    quality.legend(title="retrain")
    quality.grid(alpha=0.3)
    trainings.set_yticks(range(len(played)), [policy.value for policy in played])
    trainings.set_ylim(len(played) - 0.5, -0.5)
    trainings.set_ylabel("trainings")
    trainings.set_xlabel("span (filled: pushed, empty: refused or failed)")
    trainings.xaxis.set_major_locator(MaxNLocator(integer=True))
    trainings.grid(alpha=0.3)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)
