"""The notebook in the docs runs to its end over the artifacts of a run."""

import nbformat
import pytest
from nbclient import NotebookClient

from tests.project import ROOT, Project, Ran


@pytest.fixture(scope="module")
def notebook(project: Project, grown: Ran) -> nbformat.NotebookNode:
    notebook = nbformat.read(ROOT / "docs/eda.ipynb", as_version=4)
    [parameters] = [
        cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])
    ]
    parameters.source = (
        f"from pathlib import Path\nPROJECT = Path({str(ROOT)!r})\n"
        f"OVERRIDES = {list(project.overrides)!r}\nRUN = {grown.record.run_id!r}"
    )
    return NotebookClient(notebook, timeout=300).execute()


def shown(notebook: nbformat.NotebookNode) -> str:
    """Everything that a reader sees below the cells, as text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [output.get("text") or output.data.get("text/plain", "") for output in outputs]
    return "\n".join(texts)


def test_it_tells_of_the_newest_run(notebook: nbformat.NotebookNode, grown: Ran) -> None:
    text = shown(notebook)
    assert f"on {len(grown.record.window)} spans" in text
    for word in ("payment_type", "Credit Card", "trip_seconds", "all rows", "refused"):
        assert word in text


def test_it_draws_its_charts(notebook: nbformat.NotebookNode) -> None:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    images = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(images) == 3
