"""The unit of the controller: valid, and without rights that it does not need."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[3] / "deploy/systemd/evergreen-watch.service"
EXPOSURE = 2.5
"""Of 10; systemd's own word for it is OK up to 4.9."""

pytestmark = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is there."""
    text = UNIT.read_text().replace("/opt/evergreen/.venv/bin/evergreen", "/bin/true")
    file = tmp_path / UNIT.name
    file.write_text(text)
    return file


def test_the_unit_is_valid(unit: Path) -> None:
    line = ["systemd-analyze", "verify", "--man=no", unit]
    checked = subprocess.run(line, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert unit.name not in checked.stderr


def test_the_unit_has_few_rights(unit: Path) -> None:
    line = ["systemd-analyze", "security", "--offline=true", "--json=short", unit]
    rated = subprocess.run(line, capture_output=True, text=True, check=True)
    exposure = sum(float(unit["exposure"] or 0) for unit in json.loads(rated.stdout))
    assert exposure < EXPOSURE, rated.stdout


def test_one_that_hangs_is_started_anew(unit: Path) -> None:
    """That `evergreen watch` tells systemd is tested with it; here, that systemd waits for it."""
    lines = unit.read_text().splitlines()
    assert {"Type=notify", "WatchdogSec=10min", "Restart=always"} <= set(lines)
