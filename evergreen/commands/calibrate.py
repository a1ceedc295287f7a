"""`evergreen calibrate`: thresholds of monitoring, from the history of the data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evergreen.commands.opening import Opened
from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project
from evergreen.commands.showing import console, next_step, plain, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evergreen.monitoring.calibrating import Calibrated


def calibrate(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
    output: Annotated[
        Path | None, typer.Option(help="An overlay to write the thresholds to.")
    ] = None,
) -> None:
    """Proposes thresholds for drift and skew: a quarter above the largest distance of history.

    History is what passed the data gate: each span against the one before it (drift), and against
    the four before it (skew). Noise is taken off, as it is when traffic is monitored.

    Example: [bold]evergreen calibrate --output configs/thresholds.yaml[/bold]
    """
    here = Opened.of(project, config, overrides)
    with console().status("loading TensorFlow Data Validation"):
        from evergreen.monitoring.calibrating import calibrate as measure
    found = measure(here.settings, here.store)
    _show(found)
    if output is None:
        next_step("evergreen calibrate --output configs/thresholds.yaml")
        return

    import yaml

    output.write_text(yaml.safe_dump(_overlay(found), sort_keys=False))
    next_step(f"evergreen monitor --config {output}")


def _show(found: "Sequence[Calibrated]") -> None:
    rows = table(
        "", "feature", "drift: largest>", "threshold>", "skew: largest>", "threshold>", "spans>"
    )
    for one in found:
        drift, skew = one.thresholds
        rows.add_row(
            plain(one.feature),
            f"{max(one.drift, default=0):.3f}",
            f"{drift:g}",
            f"{max(one.skew, default=0):.3f}",
            f"{skew:g}",
            str(len(one.drift) + 1),
        )
    console().print(rows)


def _overlay(found: "Sequence[Calibrated]") -> dict[str, Any]:
    drift = {one.feature: one.thresholds[0] for one in found}
    skew = {one.feature: one.thresholds[1] for one in found}
    return {"monitoring": {"drift": {"features": drift}, "skew": {"features": skew}}}
