"""The section of the page: how soon runs start, and what waiting costs."""

from pathlib import Path

from benchmarks.controller.result import Result
from benchmarks.markdown import Spread, table

TEXT = """\
## The controller

`evergreen watch`, started anew for each round, with nothing to do until a span lands; and
`evergreen run`, a process started for the same span. Measured on {date}; {rounds} in turn,
the median, least and most in brackets.

{targets}
|  |  |
| --- | ---: |
| from the landing of a span to the decision | {decided} s |
| from the landing of a span to the first node of its run | {started} s |
| from the start of `evergreen run` to its first node | {cold} s |
| processor time of the waiting controller | {idle} % of a core |
| memory of the controller, and of the process that runs are forked from | {memory} MiB |

The controller keeps a process that has imported TensorFlow and TFX, and nothing of the project: a
run is forked from it, imports the project's code, and reads what was planned.

{where.processor}, {where.cores} cores, with a load of {where.load:.1f} before.
"""


def render(stored: str, images: Path) -> str:
    """Returns the section in Markdown.

    Args:
        stored: The JSON of a `Result`.
        images: The folder of images, beside the page; this section has none.
    """
    del images
    result = Result.model_validate_json(stored)
    rounds = result.rounds
    ratio = Spread.of(one.started / one.cold for one in rounds)
    idle = Spread.of(100 * one.idle for one in rounds)
    targets = (
        ("from event to first node, of a cold run", ratio, 0.5),
        ("processor time while it waits, % of a core", idle, 1.0),
    )
    rows = [
        [text, f"{limit:g}", found.text(2), "reached" if found.median <= limit else "**missed**"]
        for text, found, limit in targets
    ]
    return TEXT.format(
        date=f"{result.started:%-d %B %Y}",
        rounds="one round" if len(rounds) == 1 else f"{len(rounds)} rounds",
        targets=table(["", "at most", "measured", ""], rows),
        decided=Spread.of(one.decided for one in rounds).text(2),
        started=Spread.of(one.started for one in rounds).text(1),
        cold=Spread.of(one.cold for one in rounds).text(1),
        idle=idle.text(2),
        memory=Spread.of(one.memory for one in rounds).text(0),
        where=result.machine,
    )
