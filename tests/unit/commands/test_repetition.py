"""What a command suggests next can be typed as it stands: it has the options that were given."""

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evergreen.cli import app, explain
from evergreen.commands.repetition import repeated
from evergreen.errors import EvergreenError
from tests.unit.commands.asking import options
from tests.unit.commands.tree import Command, commands

GIVEN = ["--use-case", "flights", "--config", "staging", "--set", "data.missing=[NA, '-']"]
ADDED = shlex.join(GIVEN)
SERVERS = ("serve", "gateway", "dashboard", "watch")
LONG = ("run", "resume", "replay", "loadtest", "new")
ASKED = [
    command
    for command in commands()
    if not command.arguments and command.words[0] not in (*SERVERS, *LONG)
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("evergreen models history 2", f"evergreen models history {ADDED} 2"),
        ("evergreen models --log", f"evergreen models {ADDED} --log"),
        ("evergreen run --spans 1-3", f"evergreen run {ADDED} --spans 1-3"),
        (
            "serve it: evergreen serve; what is exposed: evergreen models",
            f"serve it: evergreen serve {ADDED}; what is exposed: evergreen models {ADDED}",
        ),
        ("or run evergreen monitor for a while.", f"or run evergreen monitor {ADDED} for a while."),
        (
            "an `evergreen watch` that runs decides",
            f"an `evergreen watch {ADDED}` that runs decides",
        ),
        ("python kubeflow_runner.py status r", f"python kubeflow_runner.py status {ADDED} r"),
        ("evergreen orchestrators", "evergreen orchestrators"),
        ("evergreen run -u late", f"evergreen run {shlex.join(GIVEN[2:])} -u late"),
        ("Look into its log.", "Look into its log."),
    ],
)
def test_options_are_repeated_after_the_name_of_the_command(text: str, expected: str) -> None:
    assert repeated(text, GIVEN) == expected
    assert repeated(text, []) == text


@pytest.mark.parametrize("command", ASKED, ids=lambda command: " ".join(command.words))
def test_next_has_the_options_that_were_given(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*options(tmp_path), "--use-case", "taxi"]
    answer = CliRunner(env={"COLUMNS": "250"}).invoke(app, [*command.words, *given])
    if isinstance(answer.exception, EvergreenError):
        explain(answer.exception)
    captured = capsys.readouterr()
    lines = (answer.output + captured.out + captured.err).splitlines()
    for line in lines:
        if line.startswith("next: ") and "evergreen " in line and "orchestrators" not in line:
            assert "--use-case taxi" in line, line
            assert f"--set metadata.sqlite={tmp_path}/metadata.sqlite" in line
