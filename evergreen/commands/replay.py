"""`evergreen replay`: compares retraining policies on past data."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.project import Project, project_options
from evergreen.errors import choose
from evergreen.files import renew
from evergreen.screen import console, next_step, table
from evergreen.texts import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evergreen.replay.comparison import Interval
    from evergreen.replay.faults import Injected
    from evergreen.replay.player import Played
    from evergreen.replay.policies import Policy

POLICIES = "never,always,schedule,trigger"


@project_options
def replay(
    project: Project,
    policies: Annotated[str, typer.Option(help="Policies to compare.")] = POLICIES,
    spans: Annotated[int, typer.Option(min=0, help="The last span to play; 0 for all.")] = 0,
    period: Annotated[
        str, typer.Option(help="year, quarter or month; replay.period if not given.")
    ] = "",
    fault: Annotated[
        str,
        typer.Option(
            help="The fault to inject: schema, unit, upstream or label. FAULT:COLUMN names its "
            "column; if not given, it is the first of a type that fits."
        ),
    ] = "",
    fault_from: Annotated[int, typer.Option(help="The first span with the fault.")] = 7,
) -> None:
    """Replays past data as live traffic, with monitors, triggers, retraining and canaries.

    Every row is sent through a running gateway; labels and data arrive one span late.

    Example: [bold]evergreen replay --policies never,trigger --spans 8[/bold]
    """
    settings = project.settings

    from evergreen.replay.faults import Injected
    from evergreen.replay.policies import Policy
    from evergreen.running.quiet import quiet
    from evergreen.spans import Period

    chosen = [Policy(choose(name.strip(), Policy, "policy")) for name in policies.split(",")]
    broken = Injected.parse(fault, settings) if fault else None
    of_settings = settings.replay.period or settings.data.period
    periods = [known.value for known in Period]
    length = Period(choose(period or of_settings.value, periods, "period"))
    renew(settings.replay.folder)
    log = settings.replay.folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.log"
    played: dict[Policy, list[Played]] = {}
    with quiet(log) as out:
        out.print(f"log: {log}", style="dim", markup=False, soft_wrap=True)
        with out.status("loading TensorFlow and TFX"):
            from evergreen.replay.player import Player
            from evergreen.replay.stream import cut
            from evergreen.replay.world import World
        pieces = cut(settings, settings.replay.folder / "stream", length, spans)
        for policy in chosen:
            world = World(policy, settings, project.folder, project.overlays, project.overrides)
            faulty = range(fault_from, pieces[-1].number + 1)
            with (world.folder / "runs.log").open("w") as runs:
                from rich.console import Console

                player = Player(world, broken, faulty, Console(file=runs, width=120))
                with out.status(f"playing: retrain {policy}"):
                    played[policy] = player.play(pieces)
            out.print(f"played: retrain {policy}")
        from evergreen.evaluation.sums import LOSSES
    loss, _ = LOSSES[settings.model.task]
    _show(played, loss, broken, fault_from)
    if broken is None:
        from evergreen.replay.chart import draw

        chart = settings.replay.folder / "replay.svg"
        draw(played, loss, chart)
        next_step(f"look at {chart}")
    else:
        next_step("docs/replay.md says which layer should catch which fault")


def _show(
    played: "Mapping[Policy, Sequence[Played]]", loss: str, fault: "Injected | None", since: int
) -> None:
    from evergreen.replay.comparison import compare, reference

    worse = f"worse than {reference(played)}>"
    rows = table("", "retrain", f"{loss}>", worse, "trainings>", "pushed>", "minutes>")
    for row in compare(played):
        rows.add_row(
            row.policy.value,
            f"{row.loss:.4f} ± {_half(row.interval):.4f}",
            f"{row.worse:+.4f} ± {_half(row.worse_interval):.4f}",
            str(row.trainings),
            str(row.pushed),
            f"{row.minutes:.1f}",
        )
    console().print(rows)
    for policy, spans in played.items():
        happened = table(
            f"retrain {policy.value}",
            "span>",
            f"{loss}>",
            "answered by",
            "beyond a threshold",
            "runs",
            folds=("beyond a threshold",),
        )
        for span in spans:
            mark = f" ({fault})" if fault and span.number >= since else ""
            happened.add_row(
                f"{span.number}{mark}",
                f"{span.losses.mean():.4f}",
                ", ".join(f"v{version}: {count}" for version, count in span.versions.items()),
                plain("; ".join(_names(span))),
                ", ".join(run.outcome for run in span.runs),
            )
        console().print(happened)


def _half(interval: "Interval") -> float:
    return (interval[1] - interval[0]) / 2


def _names(span: "Played") -> "list[str]":
    return list(dict.fromkeys(f"{found.kind} {found.name}" for found in span.fired))
