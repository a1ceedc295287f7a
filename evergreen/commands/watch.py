"""`evergreen watch`: the controller."""

import signal
from typing import TYPE_CHECKING

from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project, read_settings

if TYPE_CHECKING:
    from evergreen.settings import Settings


def watch(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Starts runs by itself: on new data, by schedule, on decay, on drift, on demand.

    What was begun when it was ended or killed, the next one goes on with. Of several, one leads.

    Example: [bold]evergreen watch[/bold]
    """
    import logging

    settings = read_settings(project, config, overrides)

    from evergreen.lineage.store import open_store
    from evergreen.settings import find_project
    from evergreen.triggers import configured
    from evergreen.triggers.controller import Controller
    from evergreen.triggers.leading import lease
    from evergreen.triggers.log import TriggerLog
    from evergreen.triggers.monitoring import monitor
    from evergreen.triggers.watching import Watch
    from evergreen.triggers.work import Work

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    watching = Watch(settings, lease(settings))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: watching.stop())
    store = open_store(settings.metadata)
    log = TriggerLog(store, settings.model.name)
    place = Work(str(find_project(project)), tuple(config), tuple(overrides), run_id="")
    triggers = configured.triggers(settings, store, log)
    launcher = configured.launcher(settings, place, watching.wake)
    logging.info("watching: %s", ", ".join(["manual", *(trigger.name for trigger in triggers)]))
    controller = Controller(
        settings,
        store,
        triggers,
        launcher,
        log=log,
        overrides=overrides,
        monitor=monitor(place) if _is_served(settings) else None,
    )
    watching(controller)


def _is_served(settings: "Settings") -> bool:
    """Whether monitoring has a log of predictions to look at, and somebody cares for it."""
    wanted = settings.triggers.performance or settings.triggers.distribution
    return bool(wanted) and settings.gateway.log.folder is not None
