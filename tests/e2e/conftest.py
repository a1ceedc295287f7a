"""The command as a user runs it: a process of its own, in a folder of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVERGREEN = Path(sys.executable).with_name("evergreen")
# A network namespace of its own, with nothing but loopback in it.
OFFLINE = (
    "unshare",
    "--map-root-user",
    "--net",
    "sh",
    "-c",
    'ip link set lo up && exec "$@"',
    "sh",
)

Command = Callable[..., list[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("e2e")


@pytest.fixture(scope="module")
def command(folder: Path) -> Command:
    """Builds command lines of `evergreen` on the repository's project, writing to the folder."""
    overlay = folder / "here.yaml"
    overlay.write_text(
        f"""
        pipeline: {{root: {folder}/pipeline}}
        data: {{spans: {folder}/spans}}
        metadata: {{sqlite: {folder}/metadata.sqlite}}
        serving: {{base_path: {folder}/serving}}
        reports: {{folder: {folder}/reports}}
        logs: {{folder: {folder}/logs}}
        """
    )

    def build(*words: str) -> list[str]:
        options = "--project", str(ROOT), "--config", str(overlay), "--use-case", "taxi"
        return [str(EVERGREEN), *words, *options]

    return build


@pytest.fixture(scope="module")
def offline(command: Command) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `evergreen` to its end on a machine without network."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        line = [*OFFLINE, *command(*words)]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    return run
