"""Makes `docs/benchmarks.md` of the stored results of all benchmarks."""

import re
from collections.abc import Callable
from pathlib import Path

from benchmarks.controller import section as controller
from benchmarks.dashboard import section as dashboard
from benchmarks.kubeflow import section as kubeflow
from benchmarks.lineage import section as lineage
from benchmarks.monitoring import section as monitoring
from benchmarks.pipeline import section as pipeline
from benchmarks.scale import section as scale
from benchmarks.serving import section as serving
from benchmarks.startup import section as startup

PROJECT = Path(__file__).parents[1]
RESULTS = PROJECT / "var/bench"
PAGE = PROJECT / "docs/benchmarks.md"
SHORT = RESULTS / "short"
SHORT_PAGE = SHORT / "benchmarks.md"

HEAD = """\
# Benchmarks

<!-- Made by `make bench-full`; edit benchmarks/ instead. -->
`make bench-full` measures for hours, and then writes this page; nothing here is written by hand.
`make bench` measures less, in some minutes: the same tables and charts, of few rows and one round
each, go to `var/bench/short/benchmarks.md`, and this page stays as it is. Seconds drift with the
machine and with what else it does: what tells is the ratio of two figures taken side by side.
"""
SHORT_HEAD = """\
# Benchmarks, the short form

Made by `make bench`: few rows, one round, and nothing run before it. It tells whether all works,
and what is several times faster or slower. `make bench-full` makes `docs/benchmarks.md`.
"""

Render = Callable[[str, Path], str]
SECTIONS: dict[str, Render] = {
    "pipeline": pipeline.render,
    "scale": scale.render,
    "startup": startup.render,
    "serving": serving.render,
    "kubeflow": kubeflow.render,
    "lineage": lineage.render,
    "dashboard": dashboard.render,
    "monitoring": monitoring.render,
    "controller": controller.render,
}
"""By name, in the order of the page: from a result's JSON, and a folder for images, to text."""


def write_page(results: Path = RESULTS, page: Path = PAGE, head: str = HEAD) -> None:
    """Writes the page; a section without a stored result here stays as it is on the page.

    Args:
        results: The folder of results, `<name>.json` each.
        page: The page; images go into the folder `images` beside it.
        head: What stands before the sections.
    """
    texts = _sections(page.read_text()) if page.exists() else {}
    for name, render in SECTIONS.items():
        result = results / f"{name}.json"
        if result.is_file():
            texts[name] = render(result.read_text(), page.parent / "images")
    parts = [
        f"<!-- begin {name} -->\n{texts[name]}<!-- end -->\n" for name in SECTIONS if name in texts
    ]
    page.write_text("\n".join([head, *parts]))


def _sections(text: str) -> dict[str, str]:
    return dict(re.findall(r"<!-- begin (\w+) -->\n(.*?)<!-- end -->", text, re.DOTALL))
