"""Has the traffic looked at, by a process of its own: it needs what the controller does without."""

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from evergreen.errors import EvergreenError
from evergreen.triggers.work import Work

LOOKED = (0, 5)
"""Exit codes of `evergreen monitor` that say that it could look."""
LAST_LINES = 3


def monitor(place: Work) -> Callable[[datetime], None]:
    """Returns what looks at the traffic up to a time; what it finds goes to ML Metadata.

    Args:
        place: The project and its settings.
    """
    options = [f"--project={place.project}", *(f"--config={one}" for one in place.config)]
    options += [f"--set={one}" for one in place.overrides]
    command = [str(Path(sys.executable).with_name("evergreen")), "monitor", *options]

    def look(now: datetime) -> None:
        done = subprocess.run(  # noqa: S603 - a command of our own
            [*command, f"--until={now:%Y-%m-%dT%H:%M:%S}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in LOOKED:
            said = done.stderr.strip().splitlines()[-LAST_LINES:]
            raise EvergreenError(" ".join(said), hint="Try it by hand: evergreen monitor")

    return look
