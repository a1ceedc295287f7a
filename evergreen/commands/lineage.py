"""`evergreen lineage`: shows the sources of a model, and the models made of a span."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.options import Json, print_json
from evergreen.commands.project import Project, project_options
from evergreen.errors import SettingsError
from evergreen.screen import console, next_step
from evergreen.texts import plain

if TYPE_CHECKING:
    from rich.tree import Tree

    from evergreen.lineage.views import Branch


@project_options
def lineage(
    project: Project,
    of: Annotated[str, typer.Argument(metavar="MODEL", help="A version; or span:NUMBER.")],
    json: Json = False,
) -> None:
    """Shows lineage up and down: a model's data, schema, code, evaluation; a span's models.

    Example: [bold]evergreen lineage span:1[/bold]
    """
    asked = re.fullmatch(r"(span:)?(\d{1,9})", of)
    if asked is None:
        raise SettingsError(
            f"{of}: is neither a model version nor a span.",
            hint="evergreen lineage 2, or evergreen lineage span:1",
        )
    from evergreen.lineage.trees import model_tree, span_tree

    tree = (span_tree if asked[1] else model_tree)(project.lineage, int(asked[2]))
    if json:
        print_json(tree.model_dump(mode="json"))
        return

    console().print(_draw(tree), soft_wrap=False)
    next_step(_next(tree))


def _next(tree: "Branch") -> str:
    """Leads from a span to its newest run, from a model to its newest span."""
    wanted = "run" if tree.kind == "span" else "examples"
    found = [branch for branch in tree.walk() if branch.kind == wanted]
    if not found:
        return "evergreen runs"
    if tree.kind == "span":
        return f"evergreen show {max(branch.name for branch in found)}"
    return f"evergreen lineage span:{found[-1].number}"


def _draw(branch: "Branch") -> "Tree":
    from rich.tree import Tree

    drawn = Tree(_line(branch))
    for below in branch.branches:
        drawn.children.append(_draw(below))
    return drawn


def _line(branch: "Branch") -> str:
    kind = "" if branch.kind in ("up", "down") else f"[dim]{plain(branch.kind)}[/dim] "
    text = f"  {plain(branch.text)}" if branch.text else ""
    return f"{kind}[bold]{plain(branch.name)}[/bold]{text}"
