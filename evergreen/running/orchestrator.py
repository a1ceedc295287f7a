"""The interfaces of orchestrators, and the installed ones.

One kind drives a run here, node by node. The other hands a planned run over and follows it, while
it is carried out elsewhere. A class of either kind, registered under the entry-point group
`evergreen.orchestrators`, plugs in; the first line of its docstring describes it to people.
"""

from abc import ABC, abstractmethod
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Protocol

from evergreen.errors import SettingsError, or_meant
from evergreen.runs.plan import RunRecord
from evergreen.settings import Settings

if TYPE_CHECKING:
    from ml_metadata.proto.metadata_store_pb2 import ConnectionConfig
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline

GROUP = "evergreen.orchestrators"


class Orchestrator(Protocol):
    """Drives runs here: it runs all nodes of a compiled pipeline, each by `run_node`.

    Made without arguments.
    """

    def run(self, ir: "Pipeline", connection: "ConnectionConfig", at_once: int) -> None:
        """Runs a pipeline to its end.

        Args:
            ir: The compiled pipeline: nodes in topological order, the run's id substituted.
            connection: The ML Metadata store that tracks the run.
            at_once: How many nodes that do not need each other may run at the same time.

        Raises:
            Exception: If a node fails; its execution's `error` property says why.
        """


class Progress(StrEnum):
    """The progress of an attempt."""

    ABSENT = "absent"  # not launched, or no longer known
    GOES_ON = "goes on"
    STOPPED = "stopped"  # with an outcome, if the run record has one


class RemoteOrchestrator(ABC):
    """Hands planned runs over to where they are carried out, and follows them there.

    The run record is in ML Metadata before a run is handed over. Whatever carries the run out reads
    the record by its id, and writes the states of nodes and the outcome to ML Metadata. Attempts
    are numbered from 0, and outlive the process that launched them: another process, with another
    object of the class, must find them again.
    """

    def __init__(self, settings: Settings) -> None:
        """Connects to nothing yet, since the other side may start later.

        Args:
            settings: Those of the project, or those that the run was planned with.
        """
        self.settings = settings

    @abstractmethod
    def progress(self, record: RunRecord, attempt: int) -> Progress:
        """Returns the progress of an attempt; called every second."""

    @abstractmethod
    def launch(self, record: RunRecord, attempt: int) -> None:
        """Starts an attempt. Nodes that an earlier one has finished need not run again.

        Raises:
            EvergreenError: If it is refused.
        """

    @abstractmethod
    def stop(self, record: RunRecord, attempt: int) -> None:
        """Ends a running attempt."""

    @abstractmethod
    def logs(self, record: RunRecord, attempt: int) -> str:
        """Returns the command, or the address, that shows the logs of an attempt."""


def installed() -> dict[str, EntryPoint]:
    """Returns the installed orchestrators by name, without importing them."""
    return {point.name: point for point in sorted(entry_points(group=GROUP))}


def load(name: str) -> type[Orchestrator] | type[RemoteOrchestrator]:
    """Returns the class of the orchestrator of a name.

    Raises:
        SettingsError: If no orchestrator of that name is installed, or it cannot be imported.
    """
    points = installed()
    if name not in points:
        raise SettingsError(
            f"no orchestrator {name!r} is installed{or_meant(name, points)}",
            hint=f"Installed: {', '.join(points)}.",
        )
    try:
        found: type[Orchestrator] | type[RemoteOrchestrator] = points[name].load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(
            f"orchestrator {name!r} cannot be imported: {error}",
            hint=f"Install {points[name].value.partition(':')[0]} anew, and what it needs.",
        ) from error
    return found


def is_remote(kind: type) -> bool:
    """Whether an orchestrator carries out runs elsewhere."""
    return issubclass(kind, RemoteOrchestrator)


def chosen(settings: Settings) -> Orchestrator | RemoteOrchestrator:
    """Makes the orchestrator that `pipeline.orchestrator` names.

    Raises:
        SettingsError: If no orchestrator of that name is installed.
    """
    kind = load(settings.pipeline.orchestrator)
    return kind(settings) if issubclass(kind, RemoteOrchestrator) else kind()
