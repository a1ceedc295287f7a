"""Executes runs for commands: a log file, signals, exit codes."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evergreen.running.run import Run
    from evergreen.runs.plan import RunRecord
    from evergreen.settings import Settings

INTERRUPTED = 130


def execute(settings: "Settings", carry_out: "Callable[[Run], RunRecord]") -> int:
    """Runs something, and returns the exit code; ends the process if it is interrupted.

    Args:
        settings: The settings of the run.
        carry_out: What is to be done.
    """
    from evergreen.running.quiet import quiet
    from evergreen.runs.plan import Outcome

    log = settings.logs.folder / f"run-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.log"
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with quiet(log) as console:
        console.print(f"log: {log}", style="dim", markup=False, soft_wrap=True, highlight=False)
        from evergreen.running.run import Run

        runner = Run(settings, console)
        try:
            outcome = carry_out(runner).outcome
        except KeyboardInterrupt:
            console.print("\n[yellow]interrupted[/yellow]; what was pushed before is untouched.")
            again = f"evergreen resume {runner.run_id}" if runner.run_id else "run the same again"
            console.print(f"next: {again}", highlight=False)
            console.file.flush()
            os._exit(INTERRUPTED)  # Beam's worker threads would go on with the node
    codes = {Outcome.DATA_REFUSED: 3, Outcome.MODEL_REFUSED: 4, Outcome.SERVING_REFUSED: 5}
    return codes.get(outcome, 0) if outcome else 0
