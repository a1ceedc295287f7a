"""What a use case declares is held against its code and its schema, without running it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evergreen.errors import SettingsError
from evergreen.preflight.declaration import check_declaration
from evergreen.settings import load_settings
from tests.project import ROOT


@pytest.mark.parametrize("use_case", ["taxi", "penguins", "arrivals"])
def test_the_shipped_use_cases_have_no_fault(use_case: str) -> None:
    check_declaration(load_settings(ROOT, use_case=use_case))


@pytest.mark.parametrize(
    ("override", "problem", "hint"),
    [
        ("model.run_fn=models.taxi.model.run_f", "defines no run_f", "Did you mean run_fn?"),
        ("model.run_fn=models.taxy.model.run_fn", "No module named 'models.taxy'", "a function"),
        ("data.source=data.taxi.spans:cuts", "data.taxi.spans defines no cuts", "cut"),
        ("data.key=trip", "data.key names 'trip'", "tips"),
        ("gates.slices=[payment]", "gates.slices names 'payment'", "payment_type"),
        ("monitoring.features=[fares]", "monitoring.features names 'fares'", "fare"),
    ],
)
def test_a_fault_names_its_setting_and_a_near_name(override: str, problem: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=problem) as refused:
        check_declaration(load_settings(ROOT, overrides=[override]))
    assert hint in refused.value.hint


def test_code_that_is_no_python_is_told_with_its_line(tmp_path: Path) -> None:
    code = tmp_path / "models/taxi"
    shutil.copytree(ROOT / "models/taxi", code)
    (code / "features.py").write_text("x = 1\ndef broken(:\n")
    settings = load_settings(ROOT, overrides=[f"pipeline.use_case=[{code}]"])
    with pytest.raises(SettingsError, match=r"features\.py, line 2: invalid syntax"):
        check_declaration(settings)


def test_it_needs_no_tensorflow() -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from evergreen.settings import load_settings\n"
        "from evergreen.preflight.declaration import check_declaration\n"
        f"check_declaration(load_settings(Path({str(ROOT)!r})))\n"
        "assert not {'tensorflow', 'apache_beam', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
