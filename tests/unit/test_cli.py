"""The command line as a person meets it: in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from evergreen.exit_codes import ExitCode
from evergreen.settings import load_settings
from tests.unit.commands.tree import commands

ROOT = Path(__file__).parents[2]
EVERGREEN = Path(sys.executable).with_name("evergreen")


def evergreen(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
    return subprocess.run(
        [EVERGREEN, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
    )


@pytest.mark.parametrize("command", [(), ("run",), ("data",)], ids=["evergreen", "run", "data"])
def test_help_has_an_example(command: tuple[str, ...]) -> None:
    answer = evergreen(*command, "--help")
    assert answer.returncode == 0
    assert not answer.stderr
    assert re.search(r"(Example:|Start with) evergreen \w+", answer.stdout)


def test_the_help_of_run_says_what_its_exit_codes_mean() -> None:
    text = " ".join(evergreen("run", "--help").stdout.split())
    for code in set(ExitCode) - {ExitCode.FOUND}:
        assert f"{code:d} {code.meaning}" in text


def test_help_shows_the_commands_in_panels() -> None:
    shown = evergreen("--help").stdout
    panels = re.findall(r"^╭─ (\w+) ", shown, re.MULTILINE)
    assert panels == ["Options", "Run", "Look", "Registry", "Serve", "Watch", "Project"]
    for name in commands():
        assert re.search(rf"^│ {name.words[0]} ", shown, re.MULTILINE)


ONE = """
import sys
from typer.testing import CliRunner
from evergreen.cli import app

def imported():
    return {name for name in sys.modules if name.startswith("evergreen.commands.")}

before = imported()
CliRunner().invoke(app, ["runs", "--help"])
print(*before, "then", *(imported() - before))
"""


def test_only_the_command_that_is_asked_for_is_imported() -> None:
    said = subprocess.run(
        [sys.executable, "-c", ONE], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout
    before, after = (set(part.split()) for part in said.split("then"))
    assert before == {"evergreen.commands.table", "evergreen.commands.options"}
    assert after == {f"evergreen.commands.{name}" for name in ("runs", "project", "repetition")}


def test_an_unknown_command_is_told_which_one_was_meant() -> None:
    answer = evergreen("rollbak")
    assert answer.returncode == ExitCode.WRONG
    assert "Did you mean 'rollback'?" in answer.stderr


def test_the_settings_that_are_shown_can_be_loaded_again(tmp_path: Path) -> None:
    answer = evergreen("config", "show", "--config", "staging", "--set", "data.period=quarter")
    assert answer.returncode == 0
    shown = tmp_path / "shown.yaml"
    shown.write_text(answer.stdout)
    expected = load_settings(ROOT, ["staging"], ["data.period=quarter"])
    assert load_settings(ROOT, [str(shown)]) == expected


def test_the_installed_orchestrators_are_listed() -> None:
    answer = evergreen("orchestrators")
    assert answer.returncode == 0
    for name in ("beam", "local"):
        assert re.search(rf"{name}\W+here\W", answer.stdout)
    assert "evergreen run --orchestrator" in answer.stdout


LIGHT = """
import sys
import evergreen.planning.planner
from evergreen.cli import app

app(["config", "show"], standalone_mode=False)
app(["orchestrators"], standalone_mode=False)
heavy = {"tensorflow", "tfx", "apache_beam", "keras"} & set(sys.modules)
sys.exit(f"imported: {heavy}" if heavy else 0)
"""


def test_looking_and_planning_import_no_tensorflow() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", LIGHT], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ("config", "show", "--set", "data.perod=month"),
            "--set data.perod=month: unknown key data.perod; did you mean data.period?",
        ),
        (("run", "--orchestrator", "locl"), "no orchestrator 'locl' is installed; did you mean"),
    ],
    ids=["unknown setting", "unknown orchestrator"],
)
def test_what_is_wrong_is_said_without_a_traceback(
    tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    places = ("logs.folder", "metadata.sqlite", "data.spans")
    own = [part for place in places for part in ("--set", f"{place}={tmp_path / place}")]
    answer = evergreen(*arguments, *own)
    assert answer.returncode == 2
    assert f"error: {problem}" in answer.stderr
    assert "Traceback" not in answer.stderr + answer.stdout


def test_outside_of_a_project_one_is_told_so(tmp_path: Path) -> None:
    answer = evergreen("config", "show", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: no project here")
    assert "next: " in answer.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "s3://bucket/rows.csv"),
        ("predict", "rows.csv", "--output", "s3://bucket/out.csv"),
        ("data", "land", "gs://bucket/rows", "--span", "1"),
        ("watch", "--heartbeat", "file:///tmp/heartbeat"),
        ("monitor", "calibrate", "--output", "s3://bucket/limits.yaml"),
    ],
)
def test_a_url_in_place_of_a_file_is_refused(words: tuple[str, ...]) -> None:
    result = evergreen(*words)
    assert result.returncode == 2
    said = " ".join(result.stderr.replace("│", " ").split())
    url = next(word for word in words if "://" in word)
    assert f"{url} is a URL; a file or folder of this machine is expected." in said
