"""`evergreen watch`: runs the controller."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer

from evergreen.commands.project import Project, project_options
from evergreen.launch import evergreen, options


def _on_signals(stop: Callable[[], None]) -> None:
    """Makes a thread call a function when this process is told to end.

    A handler may interrupt the holder of a lock that it would need, so it only writes a byte.
    """
    reader, writer = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.write(writer, b"."))

    def wait() -> None:
        os.read(reader, 1)
        stop()

    Thread(target=wait, name="signals", daemon=True).start()


def _can_be_touched(heartbeat: Path | None) -> Path | None:
    try:
        if heartbeat:
            heartbeat.touch()
    except OSError as error:
        raise typer.BadParameter(str(error)) from error
    return heartbeat


def _watch_all(project: Project, heartbeat: Path | None) -> None:
    """Runs the controllers of all use cases; wrong settings of any are told before they start."""
    import asyncio
    import logging

    for member in project.members:
        _ = member.settings

    from evergreen.serving.lifetime import until_told
    from evergreen.settings.use_cases import use_cases
    from evergreen.triggers.controllers import control

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")

    def command(name: str) -> list[str]:
        own = options(project.folder, name, project.overlays, project.overrides)
        return evergreen("watch", *own)

    asyncio.run(until_told(control(lambda: use_cases(project.folder), command, heartbeat)))


@project_options
def watch(
    project: Project,
    heartbeat: Annotated[
        Path | None,
        typer.Option(
            help="A file to touch at least once a minute, unless the controller hangs.",
            callback=_can_be_touched,
        ),
    ] = None,
) -> None:
    """Starts runs automatically: on new data, by schedule, on decay, on drift, on demand.

    Each use case has a controller of its own, unless one is named. The next controller continues
    what an ended or killed one has begun. Of several of a use case, one leads. When the settings'
    files change, it restarts as soon as that would not end a run on this machine.

    Example: [bold]evergreen watch[/bold]
    """
    if not project.is_named:
        _watch_all(project, heartbeat)
        return
    import logging

    settings = project.settings

    from evergreen.settings import load_settings, settings_files
    from evergreen.triggers import configured
    from evergreen.triggers.controller import Controller
    from evergreen.triggers.leader import lease
    from evergreen.triggers.log import TriggerLog
    from evergreen.triggers.loop import Watch
    from evergreen.triggers.renewal import Renewal
    from evergreen.triggers.work import Work

    logging.basicConfig(
        level=logging.INFO, format=f"%(asctime)s %(levelname)s {settings.use_case}: %(message)s"
    )
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # hides retries; failures are logged
    selected = project.overlays, project.overrides, settings.use_case
    renewal = Renewal(
        settings,
        settings_files(project.folder, *selected),
        lambda: load_settings(project.folder, *selected),
    )
    watching = Watch(settings, lease(settings), heartbeat=heartbeat, renewed=renewal.is_due)
    _on_signals(watching.stop)
    log = TriggerLog(project.store, settings.model.name)
    place = Work(str(project.folder), settings.model_dump_json(by_alias=True))
    triggers = configured.triggers(settings, project.store, log)
    launcher = configured.launcher(settings, place, watching.wake)
    logging.info("watching: %s", ", ".join(["manual", *(trigger.name for trigger in triggers)]))
    controller = Controller(
        settings,
        project.store,
        triggers,
        launcher,
        log=log,
        overrides=project.overrides,
        monitor=configured.monitor(settings, project.options, watching.wake),
    )
    if watching(controller):
        logging.info("the settings have changed: starting anew")
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - itself
