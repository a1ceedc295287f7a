"""Runs Locust, in one process per round."""

import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from evergreen.errors import EvergreenError
from evergreen.serving.loadtest.plan import WARM_UP, Load, Round, Target
from evergreen.serving.loadtest.samples import Samples

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
ROUNDS = 2
"""Rounds on each of several targets: A B, B A. Changes of the machine meanwhile then affect both
alike. A ramp is not split."""
START_SECONDS = 60


def run(
    targets: Sequence[Target],
    load: Load,
    timeout: float,
    say: Callable[[str], None] = lambda _: None,
) -> list[list[Samples]]:
    """Puts load on targets; on several ones in turns.

    Args:
        targets: The targets.
        load: The load; each target gets all of it.
        timeout: Seconds that a request may take.
        say: Receives progress messages.

    Returns:
        The rounds on each target.

    Raises:
        EvergreenError: If Locust ends without a result.
    """
    loads = load.rounds(1 if len(targets) == 1 or load.ramp else ROUNDS)
    found: list[list[Samples]] = [[] for _ in targets]
    for number, part in enumerate(loads):
        order = range(len(targets)) if number % 2 == 0 else reversed(range(len(targets)))
        for at in order:
            say(f"round {number + 1} of {len(loads)}: {targets[at].address}")
            found[at].append(_run_round(targets[at], part, timeout))
    return found


def _run_round(target: Target, load: Load, timeout: float) -> Samples:
    with tempfile.TemporaryDirectory() as folder:
        plan, result = Path(folder, "plan.json"), Path(folder, "result.json")
        Round(target, load, timeout, result).write(plan)
        # In an empty folder, Locust finds no settings.
        ran = subprocess.run(  # noqa: S603 - our own command
            _command(plan, load, timeout),
            check=False,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=load.seconds + WARM_UP + timeout + START_SECONDS,
        )
        if ran.returncode or not result.is_file():
            raise EvergreenError(f"Locust ended with {ran.returncode}: {ran.stderr[-2000:]}")
        return Samples.read(result, load.seconds)


def _command(plan: Path, load: Load, timeout: float) -> list[str]:
    clients = 1 if load.rate else load.clients
    grow = load.ramp and not load.rate
    options = {
        "locustfile": LOCUSTFILE,
        "users": clients,
        "spawn-rate": clients / (load.seconds + WARM_UP) if grow else clients,
        "stop-timeout": f"{math.ceil(timeout)}s",
        "exit-code-on-error": 0,
        "plan": plan,
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    user = "Open" if load.rate else "Closed"
    return [sys.executable, "-m", "locust", "--headless", "--only-summary", *flags, user]
