"""`evergreen check`: tries a use case on few rows, before any run."""

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from evergreen.commands.project import Project, project_options
from evergreen.screen import console, next_step
from evergreen.texts import duration, plain


@project_options
def check(
    project: Project,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only what needs no TensorFlow, as before each run.")
    ] = False,
) -> None:
    """Tries a use case on 200 rows: functions, schema, label, a short training, signatures.

    Nothing is recorded, and only a log is written.

    Example: [bold]evergreen check[/bold]
    """
    from evergreen.preflight.declaration import check_declaration

    settings, out = project.settings, console()
    check_declaration(settings)
    out.print("✓ settings, code and schema fit together")
    if not quick:
        from evergreen.running.quiet import quiet

        log = settings.logs.folder / f"check-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.log"
        with quiet(log) as shown:
            shown.print(f"log: {log}", style="dim", markup=False, soft_wrap=True, highlight=False)
            from evergreen.preflight.trial import try_use_case

            for step in try_use_case(settings):
                took = duration(step.seconds)
                shown.print(f"✓ {step.name}: {plain(step.detail)} ({took})", highlight=False)
    next_step("evergreen run")
