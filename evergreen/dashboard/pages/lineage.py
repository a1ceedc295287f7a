"""Lineage pages: a graph to navigate, with artifacts, their makers and their readers."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from evergreen.dashboard.pages.page import Asked, NotFoundError, Page
from evergreen.dashboard.world import World
from evergreen.lineage.reader import Asked as Runs
from evergreen.lineage.reader import Lineage
from evergreen.lineage.trees import model_tree, span_tree
from evergreen.lineage.views import ArtifactView, Branch, ExecutionView, GraphView, Way
from evergreen.reporting.charts.canvas import short
from evergreen.reporting.graph import Graph, Label
from evergreen.texts import many

HOPS, MOST_HOPS = 2, 6
NEWEST = 40
MOST_BOXES = 80
FEW, FEWER = 3, 1
"""The most boxes of one kind; more are drawn as one. The second number is for wide graphs."""
WIDE = 1110
"""The width of the page, in pixels."""
Key = tuple[str, int]
"""`a` and the id of an artifact, or `e` and the id of an execution."""
Tree = Callable[[Lineage, int], Branch]
WIDTH, BOX = 22, 180
"""The width of a box: characters, enough for a run's id, and pixels."""
STATES = {"complete": "good", "cached": "same", "failed": "bad", "running": "warn"}


def lineage(world: World, asked: Asked) -> Page:
    """Shows the newest versions and spans to start from."""
    del asked
    versions = [version for version in reversed(world.lineage.versions()) if version.artifact_id][
        :NEWEST
    ]
    runs = world.lineage.runs(Runs(limit=NEWEST))
    spans = sorted({span.number for run in runs for span in run.window}, reverse=True)
    return Page("lineage", "Lineage", {"versions": versions, "spans": spans[:NEWEST]})


def model(world: World, asked: Asked) -> Page:
    """Shows a version: the graph around its artifact, and the tree of its sources."""
    found = world.lineage.version(asked.number("version"))
    ids = [found.artifact_id] if found.artifact_id else []
    return _page(world, asked, f"Version {found.version}", ids, model_tree)


def span(world: World, asked: Asked) -> Page:
    """Shows a span, down to every model made of it."""
    number = asked.number("span")
    return _page(world, asked, f"Span {number}", _examples(world, number), span_tree)


def _examples(world: World, number: int) -> list[int]:
    """Returns the newest Examples artifact of a span that a run trained on; empty if none did."""
    for run in world.lineage.runs(Runs(span=number)):
        if run.pins:
            places = [place for place, span in enumerate(run.window) if span.number == number]
            return [run.pins.examples[place] for place in places]
    return []


def artifact(world: World, asked: Asked) -> Page:
    """Shows the graph around an artifact, and its properties."""
    return _page(world, asked, f"Artifact {asked.number('artifact')}", [asked.number("artifact")])


def _page(world: World, asked: Asked, title: str, ids: list[int], tree: Tree | None = None) -> Page:
    hops = min(asked.number("hops", HOPS), MOST_HOPS) or HOPS
    if ids and not world.store.get_artifacts_by_id(ids):
        raise NotFoundError(f"{title}: there is none.", hint="See the page Lineage.")
    if ids:
        world.check_artifact(ids[0])
    graph = world.lineage.graph(ids, Way.BOTH, hops) if ids else None
    number = asked.number("version") or asked.number("span")
    shown = {
        "title": title,
        "artifact": graph.artifacts[ids[0]] if graph else None,
        "graph": _drawn(graph, ids[0]) if graph else None,
        "tree_of": tree(world.lineage, number) if tree else None,
        "hops": hops,
        "most_hops": MOST_HOPS,
    }
    return Page("artifact", title, shown)


def _drawn(graph: GraphView, center: int) -> Graph | None:
    """Returns the graph as a drawing; None if it has too many boxes to be legible."""
    drawn = _with_boxes(graph, center, FEW)
    return drawn if drawn and drawn.width <= WIDE else _with_boxes(graph, center, FEWER)


def _with_boxes(graph: GraphView, center: int, few: int) -> Graph | None:
    boxes = _boxes(graph, center, few)
    if len(set(boxes.values())) > MOST_BOXES:
        return None
    labels = {
        name: _label(graph, center, [key for key in boxes if boxes[key] == name])
        for name in dict.fromkeys(boxes.values())
    }
    made = [(boxes["e", execution], boxes["a", artifact]) for execution, artifact in graph.made]
    read = [(boxes["a", artifact], boxes["e", execution]) for artifact, execution in graph.read]
    words = f"{many(len(graph.artifacts), 'artifact')}, {many(len(graph.executions), 'execution')}"
    text = f"Graph around artifact {center}: {words}"
    return Graph.laid_out(labels, _without_circles([*made, *read]), text, BOX)


def _without_circles(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Removes edges that close circles, since merged boxes may read each other."""
    edges: set[tuple[str, str]] = set()
    following: dict[str, set[str]] = defaultdict(set)
    for start, end in dict.fromkeys(pairs):
        reached, waiting = {end}, [end]
        while waiting:
            new = following[waiting.pop()] - reached
            reached |= new
            waiting += new
        if start not in reached:
            edges.add((start, end))
            following[start].add(end)
    return edges


def _boxes(graph: GraphView, center: int, few: int) -> dict[Key, str]:
    """Assigns boxes: many things of one kind and origin share a box."""
    kinds: dict[Key, str] = {}
    for id_, artifact in graph.artifacts.items():
        maker = graph.maker(id_)
        kinds["a", id_] = f"{artifact.type} of {maker.node if maker else 'nobody here'}"
    kinds |= {("e", id_): execution.node for id_, execution in graph.executions.items()}
    counts = Counter((key[0], kind) for key, kind in kinds.items())
    return {
        key: f"{key[0]} {kind}"
        if counts[key[0], kind] > few and key != ("a", center)
        else f"{key[0]}{key[1]}"
        for key, kind in kinds.items()
    }


def _label(graph: GraphView, center: int, keys: list[Key]) -> Label:
    """Returns the label of a box: of its only content, or of the newest of many."""
    side, newest = max(keys)
    if side == "a":
        label = _artifact(graph.artifacts[newest], center)
    else:
        label = _execution(graph.executions[newest])
    if len(keys) == 1:
        return label
    return replace(label, text=f"{len(keys)} of them")


def _artifact(artifact: ArtifactView, center: int) -> Label:
    kind = "warn" if artifact.id == center else "earlier"
    text = f"#{artifact.id}" + ("" if artifact.state == "live" else f" {artifact.state}")
    return Label(short(artifact.type, WIDTH), text, kind, f"/lineage/artifacts/{artifact.id}")


def _execution(execution: ExecutionView) -> Label:
    href = f"/runs/{execution.run_id}" if execution.run_id else ""
    text = short(execution.run_id or execution.state, WIDTH)
    return Label(short(execution.node, WIDTH), text, STATES.get(execution.state, "same"), href)
