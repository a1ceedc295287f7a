"""What the documentation says exists."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from evergreen.cli import app
from evergreen.settings import load_settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


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
