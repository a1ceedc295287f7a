"""Commands asked in this process, on a project whose data are in a folder."""

import re
from pathlib import Path

from typer.testing import CliRunner, Result

from evergreen.cli import app
from tests.project import ROOT, places

HOSTILE = "[red]<script>alert(1)</script>[/red] ../../etc \x1b[31m\x9b\u202e" + "x" * 5000 + "東京"


def options(folder: Path) -> list[str]:
    pairs = [*places(folder), f"metadata.sqlite={folder}/metadata.sqlite"]
    return ["--project", str(ROOT), *(word for pair in pairs for word in ("--set", pair))]


def ask(folder: Path, *words: str, width: int = 250) -> Result:
    answer = CliRunner(env={"COLUMNS": str(width)}).invoke(app, [*words, *options(folder)])
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer


def last_line(answer: Result) -> str:
    """The last line, without the project's options, which every suggestion repeats."""
    line = answer.stdout.rstrip().splitlines()[-1]
    return re.sub(r" --project \S+( --set \S+)+", "", line)


def check_harmless(text: str) -> None:
    """Nothing in it drives the terminal, or fills it."""
    assert not {"\x1b", "\x9b", "\u202e"} & set(text)
    assert "x" * 3000 not in text
