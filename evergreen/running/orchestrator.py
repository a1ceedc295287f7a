"""The interface of orchestrators, and the installed ones."""

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Protocol

from evergreen.errors import SettingsError, or_meant

if TYPE_CHECKING:
    from ml_metadata.proto.metadata_store_pb2 import ConnectionConfig
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline

GROUP = "evergreen.orchestrators"


class Orchestrator(Protocol):
    """Runs all nodes of a compiled pipeline, each through TFX's launcher (`run_node`).

    It is a class registered under the entry point group `evergreen.orchestrators`, and made without
    arguments. The first line of its docstring describes it to people.
    """

    def run(self, ir: "Pipeline", connection: "ConnectionConfig", at_once: int) -> None:
        """Runs a pipeline to its end.

        Args:
            ir: The compiled pipeline: nodes in topological order, with the run's id.
            connection: The ML Metadata store that tracks the run.
            at_once: The most independent nodes to run at the same time.

        Raises:
            Exception: If a node fails; its execution's `error` property says why.
        """


def installed() -> dict[str, EntryPoint]:
    """Returns the installed orchestrators by name, without importing them."""
    return {point.name: point for point in sorted(entry_points(group=GROUP))}


def find(name: str) -> EntryPoint:
    """Returns the entry point of a name, without importing it.

    Raises:
        SettingsError: If no orchestrator of that name is installed.
    """
    points = installed()
    if name not in points:
        raise SettingsError(
            f"no orchestrator {name!r} is installed{or_meant(name, points)}",
            hint=f"Installed: {', '.join(points)}.",
        )
    return points[name]


def load(name: str) -> Orchestrator:
    """Creates the orchestrator of a name.

    Raises:
        SettingsError: If no orchestrator of that name is installed.
    """
    orchestrator: Orchestrator = find(name).load()()
    return orchestrator
