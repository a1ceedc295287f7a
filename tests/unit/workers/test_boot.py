"""A worker that cannot start says so where somebody looks: in the log of the runner."""

import subprocess
import sys
from pathlib import Path

from tests.unit.workers.runner import artifact, serving


def test_the_runner_is_told_why_a_worker_cannot_start(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("pandas")
    with serving(artifact(file, file.name)) as runner:
        words = ["--id=1-1", f"--provision_endpoint={runner.endpoint}", "--semi_persist_dir=/tmp"]
        command = [sys.executable, "-m", "evergreen.workers.boot", *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    [told] = runner.logged
    assert "requirements.txt was shipped to a worker" in told
    assert "--setup_file" in told
