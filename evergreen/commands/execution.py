"""Executes runs for commands: a log file, signals, exit codes."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from evergreen.exit_codes import ExitCode

if TYPE_CHECKING:
    from evergreen.running.run import Run
    from evergreen.runs.plan import RunRecord
    from evergreen.settings import Settings


def execute(settings: "Settings", carry_out: "Callable[[Run], RunRecord]") -> ExitCode:
    """Carries out runs, and returns the exit code; ends the process if it is interrupted.

    Args:
        settings: The settings of the run.
        carry_out: The function to call.
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
            runner.part()
            console.file.flush()
            os._exit(ExitCode.INTERRUPTED)  # Beam's worker threads would continue the node
    refused = {
        Outcome.DATA_REFUSED: ExitCode.DATA_REFUSED,
        Outcome.MODEL_REFUSED: ExitCode.MODEL_REFUSED,
        Outcome.SERVING_REFUSED: ExitCode.SERVING_REFUSED,
    }
    return refused.get(outcome, ExitCode.DONE) if outcome else ExitCode.DONE
