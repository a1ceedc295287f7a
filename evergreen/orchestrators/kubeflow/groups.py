"""Groups nodes that share a container, to save the start of containers.

A cheap node without requests joins the node before it, or after it if there is none before. A heavy
node, or one with its own resources in the settings, opens another container, unless both have the
same resources in the settings. Groups in the settings are taken literally.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from evergreen.errors import SettingsError, or_meant
from evergreen.orchestrators.kubeflow.shape import Node, Shape
from evergreen.settings.kubeflow import KubeflowSettings, NodeSettings


@dataclass(frozen=True)
class Group:
    """Nodes that share a container.

    Attributes:
        name: The name of its task: its first node that is heavy or has its own resources.
        asks: The settings of its container.
        nodes: Its nodes, upstream before downstream, starting with those of `gate`.
        upstream: The names of its upstream groups.
    """

    name: str
    asks: NodeSettings
    nodes: tuple[str, ...]
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grouping:
    """The containers of a pipeline, upstream before downstream.

    Attributes:
        ingest: The groups to run once for each span.
        train: The first has the nodes of `gate`, and decides whether the others run.
        gate: The nodes that run for one span after another.
    """

    ingest: tuple[Group, ...]
    train: tuple[Group, ...]
    gate: tuple[str, ...]


def group(shape: Shape, settings: KubeflowSettings) -> Grouping:
    """Groups the nodes of both halves.

    Raises:
        SettingsError: If the settings name a node that does not exist, or impossible groups.
    """
    _check_names(shape, settings)
    gate = frozenset(node.name for node in shape.gate)
    # Training follows the gate, whatever single nodes read from it.
    train = [Node(node.name, node.upstream or gate, node.heavy) for node in shape.train]
    alone = [Node(node.name, node.upstream & gate, node.heavy) for node in shape.gate]
    halves = [_Half(shape.ingest, settings), _Half([*alone, *train], settings, together=gate)]
    _check_groups(halves, gate, settings)
    ingesting, training = (half.groups() for half in halves)
    return Grouping(ingesting, training, tuple(node.name for node in shape.gate))


class _Half:
    """Groups the nodes of one half."""

    def __init__(
        self,
        nodes: Sequence[Node],
        settings: KubeflowSettings,
        together: frozenset[str] = frozenset(),
    ) -> None:
        self._nodes = nodes
        self._settings = settings
        self._together = together
        self.names = [node.name for node in nodes]

    def groups(self) -> tuple[Group, ...]:
        """Returns its groups, upstream before downstream."""
        together = [*self._named(), *self._others()]
        home = {node.name: index for index, nodes in enumerate(together) for node in nodes}
        edges = {
            index: {home[name] for node in nodes for name in node.upstream} - {index}
            for index, nodes in enumerate(together)
        }
        try:
            order = list(TopologicalSorter(edges).static_order())
        except CycleError as error:
            names = [" + ".join(node.name for node in together[index]) for index in error.args[1]]
            raise SettingsError(
                f"kubeflow.groups: each would have to run before the other: {', '.join(names)}.",
                hint="A node between two nodes of a group must be in the group too.",
            ) from error
        names = [_task_name(self._leader(nodes).name) for nodes in together]
        return tuple(
            Group(
                name=names[index],
                asks=self._settings.asked(self._leader(together[index]).name),
                nodes=tuple(node.name for node in together[index]),
                upstream=tuple(sorted(names[before] for before in edges[index])),
            )
            for index in order
        )

    def _named(self) -> list[list[Node]]:
        """Returns the groups of the settings that are in this half."""
        chosen = [set(names) for names in self._settings.groups if {*names} <= {*self.names}]
        return [[node for node in self._nodes if node.name in names] for names in chosen]

    def _others(self) -> list[list[Node]]:
        """Returns groups of the other nodes: neighbours in order, which cannot form a cycle."""
        named = {node.name for nodes in self._named() for node in nodes}
        found: list[list[Node]] = [[]]
        for node in self._nodes:
            if node.name in named:
                found.append([])  # the nodes before and after it are not neighbours
            elif self._fits(node, found[-1]):
                found[-1].append(node)
            else:
                found.append([node])
        return [nodes for nodes in found if nodes]

    def _fits(self, node: Node, nodes: Sequence[Node]) -> bool:
        if node.name in self._together or not self._claims(node):
            return True
        if not any(map(self._claims, nodes)):
            return True
        explicit = self._settings.nodes
        return node.name in explicit and all(
            explicit.get(other.name) == explicit[node.name]
            for other in nodes
            if self._claims(other)
        )

    def _claims(self, node: Node) -> bool:
        return node.heavy or node.name in self._settings.nodes

    def _leader(self, nodes: Sequence[Node]) -> Node:
        return next((node for node in nodes if self._claims(node)), nodes[0])


def _check_names(shape: Shape, settings: KubeflowSettings) -> None:
    known = shape.names
    given = [f"kubeflow.nodes.{name}" for name in settings.nodes]
    given += [f"kubeflow.groups: {name}" for names in settings.groups for name in names]
    for where in given:
        name = where.rpartition(".")[2].rpartition(" ")[2]
        if name not in known:
            raise SettingsError(
                f"{where}: the pipeline has no node of that name{or_meant(name, known)}",
                hint=f"Nodes: {', '.join(known)}.",
            )


def _check_groups(
    halves: Sequence[_Half], gate: frozenset[str], settings: KubeflowSettings
) -> None:
    for half in halves:
        named = [name for names in settings.groups if {*names} <= {*half.names} for name in names]
        if twice := sorted({name for name in named if named.count(name) > 1}):
            raise SettingsError(
                f"kubeflow.groups: {', '.join(twice)}: is in several groups.",
                hint="A node runs once: leave it in one of them.",
            )
    for names in settings.groups:
        where = f"kubeflow.groups: {', '.join(names)}"
        if not any({*names} <= {*half.names} for half in halves):
            raise SettingsError(
                f"{where}: are not of one half of the pipeline.",
                hint="The halves: " + "; ".join(", ".join(half.names) for half in halves),
            )
        if gate & {*names} and not gate <= {*names}:
            raise SettingsError(
                f"{where}: {', '.join(sorted(gate))} run together, for one span after the other.",
                hint="Name all of them in the group, or none.",
            )
        asked = {settings.asked(name).model_dump_json() for name in names if name in settings.nodes}
        if len(asked) > 1:
            raise SettingsError(
                f"{where}: ask for different resources or images.",
                hint="Give them the same in kubeflow.nodes, or give it to one of them only: the "
                "container gets that.",
            )


def _task_name(node: str) -> str:
    """Writes a name as Kubeflow does: `example-gen` for `ExampleGen`."""
    parts = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in node)
    return parts.strip("-").replace("_", "-").replace(".", "-")
