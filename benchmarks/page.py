"""Makes `docs/benchmarks.md` of the stored results of all benchmarks."""

import re
from pathlib import Path
from typing import Any

from benchmarks.controller.section import SECTION as CONTROLLER
from benchmarks.dashboard.section import SECTION as DASHBOARD
from benchmarks.kubeflow.section import SECTION as KUBEFLOW
from benchmarks.lineage.section import SECTION as LINEAGE
from benchmarks.monitoring.section import SECTION as MONITORING
from benchmarks.pipeline.section import SECTION as PIPELINE
from benchmarks.scale.section import SECTION as SCALE
from benchmarks.section import Section
from benchmarks.serving.section import SECTION as SERVING
from benchmarks.startup.section import SECTION as STARTUP

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

SECTIONS: tuple[Section[Any], ...] = (
    PIPELINE,
    SCALE,
    STARTUP,
    SERVING,
    KUBEFLOW,
    LINEAGE,
    DASHBOARD,
    MONITORING,
    CONTROLLER,
)
"""In the order of the page."""


def write_page(results: Path = RESULTS, page: Path = PAGE, head: str = HEAD) -> None:
    """Writes the page; a section without a stored result here stays as it is on the page.

    Args:
        results: The folder of results, `<name>.json` each.
        page: The page; images go into the folder `images` beside it.
        head: What stands before the sections.
    """
    texts = _sections(page.read_text()) if page.exists() else {}
    for section in SECTIONS:
        result = results / f"{section.name}.json"
        if result.is_file():
            texts[section.name] = section.render(result.read_text(), page.parent / "images")
    parts = [
        f"<!-- begin {section.name} -->\n{texts[section.name]}<!-- end -->\n"
        for section in SECTIONS
        if section.name in texts
    ]
    page.write_text("\n".join([head, *parts]))


def _sections(text: str) -> dict[str, str]:
    return dict(re.findall(r"<!-- begin (\w+) -->\n(.*?)<!-- end -->", text, re.DOTALL))
