"""The platform's digest is that of the code that nodes run: no less, and no command or page."""

import grimp
import pytest

import evergreen
from evergreen.planning.identity import INGESTING, not_covered, platform
from evergreen.settings import load_settings
from tests.project import ROOT

COMPONENTS = "evergreen.components"
FRONT = ("cli", "commands", "dashboard", "replay", "triggers", "reporting", "monitoring", "running")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """The imports of the platform, as import-linter sees them."""
    return grimp.build_graph(evergreen.__name__, cache_dir=None)


def modules(*names: str) -> set[str]:
    files = [name.removesuffix(".py").replace("/", ".") for name in platform(*names).files]
    return {name.removesuffix(".__init__") for name in files}


def reached(graph: grimp.ImportGraph, *packages: str) -> set[str]:
    """All that is imported by packages; to import a module runs the packages that it is in."""
    found, new = (
        set(),
        {module for top in packages for module in {top, *graph.find_descendants(top)}},
    )
    while new:
        found |= new
        imported = {
            other for module in new for other in graph.find_modules_directly_imported_by(module)
        }
        above = {module.rpartition(".")[0] for module in imported | new} - {""}
        new = (imported | above) - found
    return found


def test_the_platform_is_what_components_import_and_the_server_they_start(
    graph: grimp.ImportGraph,
) -> None:
    server = "evergreen.serving.model_server.__main__"
    assert modules() == reached(graph, COMPONENTS, server)


def test_no_command_and_no_page_makes_caches_cold() -> None:
    assert not [
        name for name in modules() if name.split(".")[1:2] in [[module] for module in FRONT]
    ]


def test_what_ingests_does_not_change_with_what_serves(graph: grimp.ImportGraph) -> None:
    ingesting = modules(*INGESTING)
    assert ingesting == reached(graph, *(f"{COMPONENTS}.{module}" for module in INGESTING))
    assert not [name for name in ingesting if name.startswith("evergreen.serving")]


def test_the_project_that_ships_is_wholly_covered() -> None:
    assert not_covered(load_settings(ROOT)) == []
