"""What a person sees before a run."""

import io

from rich.console import Console

from evergreen.running.summary import show_plan
from tests.unit.planning.conftest import Bench, bench  # noqa: F401 - a fixture


def shown(bench: Bench) -> str:  # noqa: F811
    console = Console(file=io.StringIO(), width=200)
    show_plan(console, bench.settings(), bench.plan())
    return console.file.getvalue()


def test_what_the_cache_cannot_know_is_named_before_the_run(bench: Bench) -> None:  # noqa: F811
    assert "cache" not in shown(bench)
    (bench.folder / "shared/clean.py").write_text('WORDS = "gs://bucket/[bold]words.csv"\n')
    assert "not part of what the cache knows, if it changes: --no-cache" in shown(bench)
    assert "shared/clean.py, line 1: names gs://bucket/[bold]words.csv" in shown(bench)
