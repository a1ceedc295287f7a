"""From the sample to a pushed model on a machine without network, by the Beam orchestrator.

What it leaves in ML Metadata is what the local orchestrator leaves.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evergreen.lineage.records import RunRecords
from evergreen.lineage.store import open_store
from evergreen.settings.models import MetadataSettings
from tests.e2e.conftest import OFFLINE, ROOT
from tests.project import Project, Ran, edges

Offline = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def finished(offline: Offline) -> "subprocess.CompletedProcess[str]":
    prepared = offline("data", "prepare")
    assert prepared.returncode == 0, prepared.stderr
    ran = offline("run", "--spans", "1-2", "--orchestrator", "beam")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


def test_a_model_is_pushed(folder: Path, finished: "subprocess.CompletedProcess[str]") -> None:
    assert (folder / "serving" / "1" / "saved_model.pb").exists()
    assert "pushed version 1" in finished.stdout
    assert "version 1 is serving" in finished.stdout


def test_the_terminal_is_free_of_the_libraries_noise(
    finished: "subprocess.CompletedProcess[str]", folder: Path
) -> None:
    assert finished.stderr == ""
    assert "WARNING" not in finished.stdout
    assert "tensorflow" not in finished.stdout.lower().replace("loading tensorflow", "")
    [log] = (folder / "logs").iterdir()
    assert "Execution" in log.read_text()


def test_both_orchestrators_leave_the_same_lineage(
    folder: Path, finished: "subprocess.CompletedProcess[str]", project: Project, first: Ran
) -> None:
    store = open_store(MetadataSettings(sqlite=folder / "metadata.sqlite"))
    record = RunRecords(store).latest()
    assert record is not None
    assert record.orchestrator == "beam"
    assert first.record.orchestrator == "local"
    for part in first.nodes:
        here = edges(project.store, f"{first.record.run_id}.{part}")
        assert edges(store, f"{record.run_id}.{part}") == here


def test_bad_data_ends_with_the_data_gates_exit_code(
    offline: Offline, folder: Path, finished: "subprocess.CompletedProcess[str]"
) -> None:
    bad = folder / "bad.csv"
    lines = ["payment_type,fare,tips", "Barter,5.0,1.0", "Cash,far,0.0"]
    bad.write_text("\n".join(lines) + "\n")
    assert offline("data", "land", str(bad), "--span", "9").returncode == 0
    stopped = offline("run", "--spans", "9")
    assert stopped.returncode == 3, stopped.stdout + stopped.stderr
    assert "ENUM_TYPE_UNEXPECTED_STRING_VALUES: 1 of 1 row" in stopped.stdout
    assert "ROWS_REFUSED: 1 of 2 rows" in stopped.stdout
    assert [path.name for path in (folder / "serving").iterdir()] == ["1"]


SERVE_AND_ASK = """
"$@" & server=$!
curl --silent --retry 60 --retry-connrefused --retry-delay 1 --output /dev/null \\
  http://127.0.0.1:8501/v1/models/taxi || exit 1
{snippet}
status=$?
kill $server && wait $server
exit $status
"""


@pytest.mark.parametrize("language", ["console", "python"])
def test_the_snippets_of_the_readme_give_predictions(
    finished: "subprocess.CompletedProcess[str]", command: Callable[..., list[str]], language: str
) -> None:
    """On the ports that the README names, in a network of its own."""
    [snippet] = re.findall(
        rf"^```{language}\n((?:\$ curl|from evergreen).*?)^```",
        (ROOT / "README.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    if language == "python":
        snippet = f"{sys.executable} - <<'END'\n{snippet}END"
    script = SERVE_AND_ASK.format(snippet=snippet.removeprefix("$ "))
    line = [*OFFLINE, "bash", "-c", script, "bash", *command("serve")]
    asked = subprocess.run(line, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
    [probability] = re.findall(r"0\.\d+", asked.stdout)
    assert 0 < float(probability) < 1
