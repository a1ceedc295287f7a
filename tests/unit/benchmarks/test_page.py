"""The page says what was stored."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.page import write_page
from benchmarks.pipeline.result import Result
from tests.unit.benchmarks.results import comparison


def written(folder: Path, result: Result) -> str:
    (folder / "pipeline.json").write_text(result.model_dump_json())
    write_page(folder, folder / "benchmarks.md")
    return (folder / "benchmarks.md").read_text()


def row(page: str, title: str) -> list[str]:
    """The cells of the first row of that title."""
    [cells] = re.findall(rf"^\| {re.escape(title)} \| (.*) \|$", page, re.MULTILINE)[:1]
    return cells.split(" | ")


def test_figures_are_medians_with_least_and_most(tmp_path: Path) -> None:
    page = written(tmp_path, comparison())
    assert row(page, "ours, the same nodes")[0] == "70.0 (65.0 to 75.0)"
    assert row(page, "Transform") == ["36.0", "20.0", "20.0"]
    assert row(page, "ModelGate") == ["3.0"]
    assert row(page, "the HTML report") == ["1.5"]
    assert "896 steps of 40 rows" in page


def test_a_node_that_stock_calls_otherwise_stands_beside_it(tmp_path: Path) -> None:
    assert row(written(tmp_path, comparison()), "ExampleGen") == ["6.5", "0.4", "0.4"]


def test_targets_are_judged_by_the_ratio_of_each_round(tmp_path: Path) -> None:
    page = written(tmp_path, comparison(full=85.0, cached_work=4.0))
    assert row(page, "same nodes: whole process, of stock's")[1:] == [
        "0.70 (0.65 to 0.75)",
        "**missed**",
    ]
    assert row(page, "same nodes: peak memory, of stock's")[1:] == ["0.80", "reached"]
    gates = "with all gates and the report: whole process, of the same nodes alone"
    assert row(page, gates) == ["at most 1.25", "1.29 (1.27 to 1.31)", "**missed**"]
    assert row(page, "wholly cached: work of all nodes") == ["at most 3 s", "4.0 s", "**missed**"]


def test_what_was_not_cached_is_named(tmp_path: Path) -> None:
    page = written(tmp_path, comparison())
    ran = "2 of 4; not Evaluator, latest_blessed_model_resolver"
    assert row(page, "stock TFX, once more")[-1] == ran
    assert row(page, "ours, once more")[-1] == "2 of 2"


def test_the_chart_is_whole_and_on_white(tmp_path: Path) -> None:
    page = written(tmp_path, comparison())
    [image] = re.findall(r"!\[.*\]\((.*)\)", page)
    svg = (tmp_path / image).read_text()
    ElementTree.fromstring(svg)
    assert "fill: #ffffff" in svg


def test_without_results_a_section_stays_as_it_is(tmp_path: Path) -> None:
    before = written(tmp_path, comparison())
    (tmp_path / "pipeline.json").unlink()
    write_page(tmp_path, tmp_path / "benchmarks.md")
    assert (tmp_path / "benchmarks.md").read_text() == before


@pytest.mark.parametrize("line", ["\n\n\n", " \n"])
def test_the_page_is_tidy(tmp_path: Path, line: str) -> None:
    assert line not in written(tmp_path, comparison())
