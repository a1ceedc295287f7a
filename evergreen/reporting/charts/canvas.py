"""What all charts are drawn on: matplotlib's SVG, made fit to stand in a page.

Colours are placeholders that become CSS variables, so that one chart serves light and dark pages;
text stays text, in the font of the page.
"""

import hashlib
import io
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, GRID, CANDIDATE, BASELINE, BAD, SOFT, FAINT = (f"#0101{n:02x}" for n in range(8))
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--line",
    CANDIDATE: "--first",
    BASELINE: "--second",
    BAD: "--bad",
    SOFT: "--first-soft",
    FAINT: "--faint",
}
WIDTH = 360
TEXT = 10.5

STYLE: Any = {  # matplotlib's type of it is private
    "svg.fonttype": "none",
    "svg.hashsalt": "evergreen",
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.size": TEXT,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.bottom": False,
    "xtick.color": MUTED,
    "ytick.left": False,
    "ytick.color": MUTED,
}
styled = matplotlib.rc_context(STYLE)
"""Decorates a function that draws a chart."""


class Canvas:
    """One chart; lengths are in pixels of the width it is drawn for."""

    def __init__(self, height: float, width: float = WIDTH) -> None:
        self._size = (width, height)
        self._figure = Figure(figsize=(width / 72, height / 72), dpi=72)

    def axes(self, left: float, bottom: float, right: float = 8, top: float = 8) -> Axes:
        """Returns axes with the given margins."""
        width, height = self._size
        box = (
            left / width,
            bottom / height,
            (width - left - right) / width,
            (height - bottom - top) / height,
        )
        return self._figure.add_axes(box)

    def svg(self, label: str) -> Markup:
        """Returns the chart, to be put into a page.

        Args:
            label: What it shows, in words, for those who do not see it.
        """
        drawn = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        self._figure.savefig(drawn, format="svg", metadata=nothing, transparent=True)
        return _inline(drawn.getvalue(), label)


def keys(entries: Sequence[tuple[str, str]]) -> Markup:
    """Returns the key to a chart's colours, as HTML that wraps.

    Args:
        entries: Colour (one of the placeholders above) and text.
    """
    item = Markup('<li><i style="background:var({})"></i>{}</li>')
    items = (item.format(VARIABLES[color], text) for color, text in entries)
    return Markup('<ul class="keys">{}</ul>').format(Markup("").join(items))


def short(text: str, most: int = 26) -> str:
    """Returns a text that fits beside a chart, without what XML has no place for."""
    shown = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _inline(svg: str, label: str) -> Markup:
    """Leaves out what only a file needs, and makes ids unique on a page with many charts."""
    root = ElementTree.fromstring(svg)  # noqa: S314
    prefix = hashlib.sha256(svg.encode() + label.encode()).hexdigest()[:8]
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
    for parent in root.iter():
        for child in [child for child in parent if child.tag.endswith(("style", "metadata"))]:
            parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {
            _local(name): value
            for name, value in element.attrib.items()
            if (name != "id" or value in used) and not value.startswith("rotate(-0 ")
        }
    box = root.attrib["viewBox"]
    root.attrib = {"viewBox": box, "role": "img", "aria-label": label, "class": "chart"}
    text = ElementTree.tostring(root, encoding="unicode")
    return Markup(_restyled(text, prefix))  # noqa: S704 - ElementTree has escaped all text


def _restyled(text: str, prefix: str) -> str:
    text = re.sub(r'(url\(#|href="#|\bid=")', rf"\g<1>{prefix}-", text)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    text = re.sub(r"#0101\d\d", lambda found: f"var({VARIABLES[found[0]]})", text)
    text = re.sub(
        r"-?\d+\.\d{2,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), text
    )
    return re.sub(r"\s*\n\s*", " ", text)


def _local(name: str) -> str:
    return name.rpartition("}")[2]
