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
from benchmarks.serving import section as serving
from benchmarks.startup import section as startup

PROJECT = Path(__file__).parents[1]
RESULTS = PROJECT / "var/bench"
PAGE = PROJECT / "docs/benchmarks.md"

HEAD = """\
# Benchmarks

<!-- Made by `make bench`; edit benchmarks/ instead. -->
`make bench` measures, and then writes this page; nothing here is written by hand. Seconds drift
with the machine and with what else it does: what tells is the ratio of two figures taken side by
side.
"""

Render = Callable[[str, Path], str]
SECTIONS: dict[str, Render] = {
    "pipeline": pipeline.render,
    "startup": startup.render,
    "serving": serving.render,
    "kubeflow": kubeflow.render,
    "lineage": lineage.render,
    "dashboard": dashboard.render,
    "monitoring": monitoring.render,
    "controller": controller.render,
}
"""By name, in the order of the page: from a result's JSON, and a folder for images, to text."""


def write_page(results: Path = RESULTS, page: Path = PAGE) -> None:
    """Writes the page; a section without a stored result here stays as it is on the page.

    Args:
        results: The folder of results, `<name>.json` each.
        page: The page; images go into the folder `images` beside it.
    """
    texts = _sections(page.read_text()) if page.exists() else {}
    for name, render in SECTIONS.items():
        result = results / f"{name}.json"
        if result.is_file():
            texts[name] = render(result.read_text(), page.parent / "images")
    parts = [
        f"<!-- begin {name} -->\n{texts[name]}<!-- end -->\n" for name in SECTIONS if name in texts
    ]
    page.write_text("\n".join([HEAD, *parts]))


def _sections(text: str) -> dict[str, str]:
    return dict(re.findall(r"<!-- begin (\w+) -->\n(.*?)<!-- end -->", text, re.DOTALL))
