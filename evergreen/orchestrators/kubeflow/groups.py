"""Which nodes share a container, so that its start is paid once.

A node that is cheap and asks for nothing rides along with the node before it, or after it if there
is none before. One that does the work, or that the settings give resources of its own, opens
another container, unless both ask for the same in the settings. Groups that the settings name are
taken as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from evergreen.errors import SettingsError
from evergreen.orchestrators.kubeflow.shape import Node, Shape
from evergreen.settings.kubeflow import KubeflowSettings, NodeSettings


@dataclass(frozen=True)
class Group:
    """Nodes that share a container.

    Attributes:
        name: What its task is called: its first node that does the work, or asks for something.
        asks: What its container is given.
        nodes: Its nodes, upstream before downstream; first those of `gate`.
        upstream: The names of the groups before it.
    """

    name: str
    asks: NodeSettings
    nodes: tuple[str, ...]
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grouping:
    """The containers of a pipeline, upstream before downstream.

    Attributes:
        ingest: Once for each span.
        train: The first has the nodes of `gate`, and decides whether the others are run.
        gate: The nodes that run for one span after the other.
    """

    ingest: tuple[Group, ...]
    train: tuple[Group, ...]
    gate: tuple[str, ...]


def group(shape: Shape, settings: KubeflowSettings) -> Grouping:
    """Groups the nodes of both halves.

    Raises:
        SettingsError: If the settings name a node that is not there, or groups that cannot be.
    """
    _check_names(shape, settings)
    gate = frozenset(node.name for node in shape.gate)
    # What trains comes after the gate, whatever single nodes take from it.
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
        """The groups of the settings that are in this half."""
        chosen = [set(names) for names in self._settings.groups if {*names} <= {*self.names}]
        return [[node for node in self._nodes if node.name in names] for names in chosen]

    def _others(self) -> list[list[Node]]:
        """The rest: neighbours in the order of the nodes, which cannot make a cycle."""
        named = {node.name for nodes in self._named() for node in nodes}
        found: list[list[Node]] = [[]]
        for node in self._nodes:
            if node.name in named:
                found.append([])  # what comes after it is no neighbour of what comes before it
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
            explicit.get(one.name) == explicit[node.name] for one in nodes if self._claims(one)
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
            close = get_close_matches(name, known, n=1)
            raise SettingsError(
                f"{where}: the pipeline has no node of that name"
                + (f"; did you mean {close[0]}?" if close else "."),
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
    """`ExampleGen` as Kubeflow writes it: `example-gen`."""
    parts = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in node)
    return parts.strip("-").replace("_", "-").replace(".", "-")
