"""Hostile texts in any option of any command have no side effects."""

import signal
from pathlib import Path
from types import FrameType

import pytest
from typer.testing import CliRunner

from evergreen.cli import app
from evergreen.errors import EvergreenError
from tests.fuzzing import cases
from tests.unit.commands.asking import options
from tests.unit.commands.tree import SHARED, Command, commands
from tests.unit.hostile import drawn, files, rows
from tests.unit.lineage.worlds import World

TEXTS = 4
"""Of each option: some of the corpus, another part for each, and more with EVERGREEN_TEST_FUZZ."""
SECONDS = 120
"""After which a command has started what it should have refused."""
WRITES = {
    "promote",
    "rollback",
    "archive",
    "reset-baseline",
    "run",
    "resume",
    "stop",
    "triggers fire",
}
"""What may add to the store, and to the folders; it takes nothing from it, and changes nothing."""


NAMES_A_FILE = {"--heartbeat", "--output"}
"""Makes what it is told to, wherever that is: here, in a folder of its own."""
SERVERS = {("serve",), ("watch",), ("dashboard",), ("gateway",)}
"""They would go on: what they are told is read, and their settings are wrong."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    World.make(folder, 3)
    (folder / "here").mkdir()
    return folder


def invoke(words: list[str], folder: Path) -> None:
    def tell(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"{words} has started something, and was to be refused")

    signal.signal(signal.SIGALRM, tell)
    signal.alarm(SECONDS)
    try:
        answer = CliRunner().invoke(app, [*words, *options(folder)])
    finally:
        signal.alarm(0)
    error = answer.exception
    if error is not None and not isinstance(error, (SystemExit, EvergreenError)):
        raise AssertionError(f"{words}: {error!r}") from error


def asked(command: Command, option: str, text: str) -> list[str]:
    """The words of a command whose other arguments are harmless."""
    arguments = ["1"] * command.arguments if option else [text] * max(command.arguments, 1)
    given = [f"{option}={text}"] if option else []
    given += ["--config=no-such-overlay"] if command.words in SERVERS else []
    return [*command.words, *given, "--", *arguments]


def tried() -> list[tuple[Command, str]]:
    """Every option of every command; the shared ones with one; and arguments, as no option."""
    found = [
        (command, option)
        for command in commands()
        for option in command.options
        if option not in SHARED
    ]
    found += [(command, "") for command in commands() if command.takes_arguments]
    [runs] = [command for command in commands() if command.words == ("runs",)]
    return found + [(runs, option) for option in SHARED]


@pytest.mark.fuzz
def test_no_text_of_any_option_changes_what_it_should_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "here")
    stored, there = rows(folder), files(folder)
    assert len(tried()) > 60
    for place, (command, option) in enumerate(tried()):
        name = " ".join(command.words)
        for text in drawn(place, cases(TEXTS)):
            invoke(asked(command, option, text), folder)
        now, left = rows(folder), files(folder)
        told = f"{name} {option}"
        assert not stored - now, told
        assert name in WRITES or now == stored, told
        assert not any("CREATE TABLE" in file for file in now - stored), told
        if option in NAMES_A_FILE:
            there |= {file: size for file, size in left.items() if file.startswith("here/")}
        assert left == there, told
        stored = now
