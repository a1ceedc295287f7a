"""A section of the page: a stored result, and the template that shows it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.result import Stored

HERE = Path(__file__).parent
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - Markdown of our own figures
)


ResultT = TypeVar("ResultT", bound=Stored)


@dataclass(frozen=True)
class Section(Generic[ResultT]):
    """How a benchmark's result becomes a section of the page.

    Attributes:
        name: Of the benchmark; `benchmarks/<name>/section.md` is its template.
        result: What is stored.
        values: From a result, and the folder for images beside the page, to what the template
            shows; it has `result` and `rounds` besides.
    """

    name: str
    result: type[ResultT]
    values: Callable[[ResultT, Path], Mapping[str, Any]]

    def render(self, stored: str, images: Path) -> str:
        """Returns the section in Markdown.

        Args:
            stored: The result as JSON.
            images: The folder for images, beside the page.
        """
        result = self.result.model_validate_json(stored)
        values = {"result": result, "rounds": len(getattr(result, "rounds", ()))}
        template = TEMPLATES.get_template(f"{self.name}/section.md")
        return template.render({**values, **self.values(result, images)})
