"""The things that the documentation names exist."""

import ast
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from docs.reference.pages import pages
from evergreen.cli import app
from evergreen.settings import load_settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_site_is_built_from_every_page(tmp_path: Path) -> None:
    """Strictly, so a link to a page or a heading that is not there fails; nothing is fetched."""
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for page in ROOT.glob("docs/**/*.md"):
        written = tmp_path / "var/site" / page.relative_to(ROOT / "docs").with_suffix(".html")
        text = written.with_stem(written.stem.replace("README", "index")).read_text()
        assert not re.search(r'(src|href)="http[^"]*\.(js|css|woff2?)"', text), page


def test_reference_pages_are_up_to_date() -> None:
    for name, text in pages().items():
        assert (ROOT / "docs/reference" / name).read_text() == text, "run `make docs`"


def test_every_page_is_in_the_navigation() -> None:
    """Except for those that `evergreen new` has written, which leaves the navigation alone."""
    nav = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
    named = re.findall(r"'([^']+\.md)'", str(nav))
    pages = {str(path.relative_to(ROOT / "docs")) for path in ROOT.glob("docs/**/*.md")}
    assert {page for page in pages if not page.startswith("use-cases/")} <= set(named) <= pages
    assert len(named) == len(set(named))


def test_pages_of_the_site_link_only_to_what_is_in_it() -> None:
    for page in ROOT.glob("docs/**/*.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            inside = (page.parent / target).resolve().is_relative_to(ROOT / "docs")
            assert target.startswith("http") or inside, page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_exist(page: Path) -> None:
    for line in re.findall(r"^\$ \.venv/bin/evergreen (.*)$", page.read_text(), re.MULTILINE):
        words = line.split("#")[0].split()
        command = get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_the_same_in_every_shell(page: Path) -> None:
    """zsh takes brackets for the names of files, and runs nothing if there are none."""
    for line in re.findall(r"^\$ (.*)$", page.read_text(), re.MULTILINE):
        unquoted = re.sub(r"'[^']*('|$)|\"[^\"]*(\"|$)", "", line)
        assert not re.search(r"[\[\]]", unquoted), line
    for option in re.findall(r"--set \S+", page.read_text()):
        assert "[" not in option.split("'")[0], option


def test_settings_shown_in_the_docs_are_accepted() -> None:
    text = "".join(page.read_text() for page in PAGES)
    # As the shell hands it on; a colon ends it where a command answers.
    found = re.findall(r"--set (\S+=\S+?):?[`\s]", text)
    pairs = {shlex.split(pair)[0] for pair in found}  # as the shell hands it on
    pairs = {pair for pair in pairs if "perod" not in pair and pair != "KEY=VALUE"}
    assert pairs
    for pair in pairs:
        load_settings(ROOT, overrides=[pair])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_names_that_snippets_import_exist(page: Path) -> None:
    """By the text of the modules, since some import TensorFlow."""
    for module, names in re.findall(
        r"^from (evergreen[\w.]*) import (.*)$", page.read_text(), re.MULTILINE
    ):
        place = ROOT / module.replace(".", "/")
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        nodes = ast.parse(file.read_text()).body
        known = {getattr(node, "name", "") for node in nodes}
        known |= {name.name for node in nodes for name in getattr(node, "names", [])}
        assert set(names.split(", ")) <= known, module


def test_make_targets_in_the_docs_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"^\$ make ([a-z-]+)|`make ([a-z-]+)`", page.read_text(), re.MULTILINE)
        assert {first or second for first, second in named} <= targets, page


def test_every_decision_is_in_the_index() -> None:
    index = (ROOT / "docs/adr/README.md").read_text()
    for page in sorted((ROOT / "docs/adr").glob("0*.md")):
        number, title = re.match(r"# (\d+)\. (.*)", page.read_text()).groups()
        assert f"| [{number}]({page.name}) | {title} |" in index


def test_pyproject_holds_tool_settings_only() -> None:
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text())) == {"build-system", "tool"}
