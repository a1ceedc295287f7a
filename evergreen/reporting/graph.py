"""The nodes of a part of a run as a graph: boxes in layers, from top to bottom.

Edges are artifacts that one node made and another read. Edges that a longer path implies are left
out, so that the graph can be followed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Self

from evergreen.lineage.run_artifacts import PartReader
from evergreen.reporting.charts.canvas import short
from evergreen.texts import duration, kind, mark

BOX, ROW, GAP = (138, 44), 72, 8
EARLIER = "earlier "
Edges = set[tuple[str, str]]


@dataclass(frozen=True)
class Box:
    """A node, or artifacts from earlier runs; `x` and `y` are its upper left corner.

    Attributes:
        href: Its link; empty for none.
    """

    name: str
    text: str
    kind: str
    x: float
    y: float
    width: float = BOX[0]
    height: float = BOX[1]
    href: str = ""


@dataclass(frozen=True)
class Label:
    """The text, the kind and the link of a box."""

    name: str
    text: str
    kind: str
    href: str = ""


@dataclass(frozen=True)
class Graph:
    """A drawing: its size in pixels, boxes, and edges as SVG paths."""

    width: float
    height: float
    boxes: list[Box]
    edges: list[str]
    label: str

    @classmethod
    def of(cls, part: PartReader) -> Self:
        """Lays out the nodes of a part."""
        labels = {
            node.node_id: Label(
                node.node_id,
                f"{mark(node.state)} {node.state}"
                + ("" if node.state == "cached" else f" · {duration(node.seconds)}"),
                kind(node.state),
            )
            for node in part.nodes.values()
        }
        edges, earlier = _edges(part)
        labels |= {name: Label(*earlier[name], "earlier") for name in earlier}
        states = ", ".join(f"{node.node_id} {node.state}" for node in part.nodes.values())
        return cls.laid_out(labels, edges, f"Graph of the nodes: {states}")

    @classmethod
    def laid_out(
        cls, labels: Mapping[str, Label], edges: Edges, text: str, box: float = BOX[0]
    ) -> Self:
        """Places boxes so that edges lead down.

        Args:
            labels: By the name of a box.
            edges: Pairs of names, without cycles.
            text: The content in words, for those who do not see it.
            box: The width of a box.
        """
        layers = _layers(list(labels), edges := _reduced(edges))
        width = max(map(len, layers), default=0) * (box + GAP) + GAP
        boxes = {
            name: _box(labels[name], _corner(place, len(layer), width, row, box), box)
            for row, layer in enumerate(layers)
            for place, name in enumerate(layer)
        }
        paths = [_path(boxes[start], boxes[end]) for start, end in sorted(edges)]
        height = len(layers) * ROW - (ROW - BOX[1]) + 2 * GAP
        return cls(width, height, list(boxes.values()), paths, text)


def _box(label: Label, corner: tuple[float, float], width: float) -> Box:
    return Box(label.name, label.text, label.kind, *corner, width=width, href=label.href)


def _edges(part: PartReader) -> tuple[Edges, dict[str, tuple[str, str]]]:
    """Returns edges between nodes; and type and ids of earlier runs' artifacts, by box."""
    maker = {
        artifact.id: node
        for node in part.nodes
        for artifacts in part.outputs(node).values()
        for artifact in artifacts
    }
    edges: Edges = set()
    earlier: dict[str, set[int]] = defaultdict(set)
    for node in part.nodes:
        for artifact in (artifact for found in part.inputs(node).values() for artifact in found):
            name = maker.get(artifact.id, EARLIER + artifact.type)
            if name not in part.nodes:
                earlier[name].add(artifact.id)
            if name != node:
                edges.add((name, node))
    return edges, {
        name: (name.removeprefix(EARLIER), short(", ".join(f"#{id_}" for id_ in sorted(ids)), 22))
        for name, ids in earlier.items()
    }


def _reduced(edges: Edges) -> Edges:
    """Removes the edges that a longer path implies."""
    following = defaultdict(set)
    for start, end in edges:
        following[start].add(end)

    @cache
    def reach(name: str) -> frozenset[str]:
        return frozenset(following[name]).union(
            *(reach(follower) for follower in list(following[name]))
        )

    return {
        (start, end)
        for start, end in edges
        if not any(end in reach(other) for other in following[start] - {end})
    }


def _layers(names: Iterable[str], edges: Edges) -> list[list[str]]:
    """Puts every name one layer below its lowest dependency; names without any just above."""
    before: Mapping[str, set[str]] = {
        name: {start for start, end in edges if end == name} for name in names
    }
    depth: dict[str, int] = {}

    def place(name: str) -> int:
        if name not in depth:
            depth[name] = max((place(parent) + 1 for parent in before[name]), default=0)
        return depth[name]

    for name in before:
        place(name)
    for name in before:
        after = [depth[end] for start, end in edges if start == name]
        if not before[name] and after:
            depth[name] = max(min(after) - 1, 0)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for name, layer in depth.items():
        layers[layer].append(name)
    for above, below in pairwise(layers):
        below.sort(
            key=lambda name: _mean(
                [above.index(parent) for parent in before[name] if parent in above]
            )
        )
    return layers


def _mean(places: list[int]) -> float:
    return sum(places) / len(places) if places else 99.0


def _corner(place: int, boxes: int, width: float, row: int, box: float) -> tuple[float, float]:
    left = (width - boxes * (box + GAP) + GAP) / 2
    return left + place * (box + GAP), GAP + row * ROW


def _path(start: Box, end: Box) -> str:
    x1, y1 = start.x + start.width / 2, start.y + start.height
    x2, y2 = end.x + end.width / 2, end.y
    middle = (y1 + y2) / 2
    return f"M{x1:g} {y1:g}C{x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2 - 3:g}"
