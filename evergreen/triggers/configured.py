"""Creates the triggers and the launcher that the settings name."""

from collections.abc import Callable, Sequence

from ml_metadata.metadata_store import MetadataStore

from evergreen.running.orchestrator import RemoteOrchestrator, chosen
from evergreen.settings import Settings
from evergreen.triggers.controller import Launcher
from evergreen.triggers.event import Trigger
from evergreen.triggers.log import TriggerLog
from evergreen.triggers.monitor_events import Distribution, Performance
from evergreen.triggers.monitor_process import Monitoring
from evergreen.triggers.new_data import NewData
from evergreen.triggers.schedule import Schedule
from evergreen.triggers.work import Work


def triggers(settings: Settings, store: MetadataStore, log: TriggerLog) -> list[Trigger]:
    """Returns the active triggers; the manual one is always active, and needs no polling."""
    chosen, model = settings.triggers, settings.model.name
    found: list[Trigger] = []
    if chosen.schedule:
        found.append(Schedule(chosen.schedule, log.since))
    if chosen.new_data:
        found.append(NewData(chosen.new_data, settings.data.span_root))
    if chosen.performance:
        found.append(Performance(chosen.performance, store, model))
    if chosen.distribution:
        found.append(Distribution(chosen.distribution, store, model))
    return found


def launcher(
    settings: Settings, place: Work, ended: Callable[[], None]
) -> Launcher | RemoteOrchestrator:
    """Returns what carries out runs.

    Args:
        settings: The project's settings; `pipeline.orchestrator` selects it.
        place: Tells a process on this machine where the project and its settings are.
        ended: Called, in another thread, when such a process has ended.

    Raises:
        SettingsError: If there is no such orchestrator.
    """
    from evergreen.triggers.local import LocalLauncher

    orchestrator = chosen(settings)
    if isinstance(orchestrator, RemoteOrchestrator):
        return orchestrator
    local = LocalLauncher(place, settings.pipeline.lock, ended)
    local.warm_up()
    return local


def monitor(
    settings: Settings, options: Sequence[str], ended: Callable[[], None]
) -> Monitoring | None:
    """Returns the monitor, if there is a log of predictions and a trigger that uses findings.

    Args:
        settings: The project's settings.
        options: The options with which another process loads them.
        ended: Called, in another thread, when a monitoring process has ended.
    """
    wanted = settings.triggers.performance or settings.triggers.distribution
    if not wanted or settings.gateway.log.folder is None:
        return None
    return Monitoring(options, settings.triggers.monitor_deadline_seconds, ended)
