"""The section of the page: how time and memory grow with the rows."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.scale import tables, terms
from benchmarks.scale.charts import draw_memory, draw_seconds
from benchmarks.scale.comparing import NODES
from benchmarks.scale.result import Result

SECONDS, MEMORY = "bench-scale-seconds.svg", "bench-scale-memory.svg"


def render(stored: str, images: Path) -> str:
    """Returns the section in Markdown, and draws its charts.

    Args:
        stored: The JSON of a `Result`.
        images: The folder of images, beside the page.
    """
    result = Result.model_validate_json(stored)
    draw_seconds(result, images / SECONDS)
    draw_memory(result, images / MEMORY)
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown of our own figures
    )
    return templates.get_template("section.md").render(
        result=result,
        parts=result.parts,
        terms=terms,
        tables=tables,
        nodes=NODES,
        charts=(SECONDS, MEMORY),
    )
