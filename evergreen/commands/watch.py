"""`evergreen watch`: the controller."""

import signal

from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project, read_settings


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
    watching(Controller(settings, store, triggers, launcher, log=log, overrides=overrides))
