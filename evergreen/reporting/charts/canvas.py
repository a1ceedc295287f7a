"""The canvas of all charts: matplotlib's SVG, adapted to stand in a page.

Colours are placeholders that become CSS variables, so that a chart suits light and dark pages; text
stays text, in the font of the page.
"""

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evergreen.reporting.gaps import gap
from evergreen.texts import shorten

Arguments = ParamSpec("Arguments")
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

STYLE: Any = {  # matplotlib's type for it is private
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


def chart(draw: Callable[Arguments, Markup]) -> Callable[Arguments, Markup]:
    """Decorates a function that draws a chart; on failure a sentence replaces the chart."""

    @wraps(draw)
    def drawn(*args: Arguments.args, **options: Arguments.kwargs) -> Markup:
        try:
            with matplotlib.rc_context(STYLE), warnings.catch_warnings():
                # The page has its own font: here fonts only give lengths, even without a glyph.
                warnings.filterwarnings("ignore", "Glyph .* missing from font")
                return draw(*args, **options)
        except Exception as error:
            return gap("The chart", error)

    return drawn


class Canvas:
    """One chart; lengths are in pixels at its drawn width."""

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
        """Returns the chart as part of a page.

        Args:
            label: Its content in words, for those who do not see it.
        """
        drawn = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        self._figure.savefig(drawn, format="svg", metadata=nothing, transparent=True)
        return _inline(drawn.getvalue(), label)


def keys(entries: Sequence[tuple[str, str]]) -> Markup:
    """Returns the legend of a chart as HTML that wraps.

    Args:
        entries: Colour (one of the placeholders above) and text.
    """
    item = Markup('<li><i style="background:var({})"></i>{}</li>')
    items = (item.format(VARIABLES[color], text) for color, text in entries)
    return Markup('<ul class="keys">{}</ul>').format(Markup("").join(items))


def short(text: str, most: int = 26) -> str:
    """Returns a text short enough to stand beside a chart, without characters that XML forbids."""
    return shorten(_clean(text[: most + 1]), most, "…")


def _clean(text: str) -> str:
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def _inline(svg: str, label: str) -> Markup:
    """Removes what only a file needs, and makes ids unique on a page with many charts.

    Only attributes are changed: texts are data, which may look like a colour, an id or a number
    with many digits.
    """
    root, label = ElementTree.fromstring(svg), _clean(label)  # noqa: S314
    prefix = hashlib.sha256(svg.encode() + label.encode()).hexdigest()[:8]
    for parent in root.iter():
        for child in [child for child in parent if child.tag.endswith(("style", "metadata"))]:
            parent.remove(child)
    used = {
        found
        for element in root.iter()
        for value in element.attrib.values()
        for found in re.findall(r"^#(.+)$|url\(#(.+?)\)", value)
        for found in found
    }
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {
            _local(name): f"{prefix}-{value}" if name == "id" else _restyled(value, prefix)
            for name, value in element.attrib.items()
            if (name != "id" or value in used) and not value.startswith("rotate(-0 ")
        }
        element.tail = None  # line ends between elements
        if element.text is not None and not element.text.strip():
            element.text = None
    box = root.attrib["viewBox"]
    root.attrib = {"viewBox": box, "role": "img", "aria-label": label, "class": "chart"}
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - it escapes all text


def _restyled(value: str, prefix: str) -> str:
    """Returns an attribute with the page's colours, this chart's ids, and few digits."""
    if value.startswith("#") and value not in VARIABLES:
        return f"#{prefix}-{value[1:]}"
    value = value.replace("url(#", f"url(#{prefix}-")
    value = re.sub(r"font-family: [^;]*;? ?", "", value)
    value = re.sub(r"#0101\d\d", lambda found: f"var({VARIABLES[found[0]]})", value)
    value = re.sub(
        r"-?\d+\.\d{2,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value
    )
    return re.sub(r"\s*\n\s*", " ", value).strip()


def _local(name: str) -> str:
    return name.rpartition("}")[2]
