"""Orchestrators are found by name, also those that this project knows nothing of."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evergreen.cli import app
from evergreen.errors import SettingsError
from evergreen.running.orchestrator import installed, is_remote, load

METADATA = "Metadata-Version: 2.1\nName: acme-flow\nVersion: 1.0\n"
ENTRY_POINTS = "[evergreen.orchestrators]\nacme = acme_flow:AcmeOrchestrator\n"
MODULE = '''
class AcmeOrchestrator:
    """Runs nodes at Acme."""

    def run(self, ir, connection, at_once):
        return f"ran {ir} on {connection}"
'''


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Installs somebody else's distribution with an orchestrator."""
    info = tmp_path / "acme_flow-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "acme_flow.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "acme_flow", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def test_our_own_are_installed_and_point_at_classes_that_are_there() -> None:
    points = installed()
    assert {"beam", "local"} <= set(points)
    assert list(points) == sorted(points)
    assert points["local"].value == "evergreen.orchestrators.local:LocalOrchestrator"


@pytest.mark.usefixtures("acme")
def test_somebody_elses_plugs_in_by_being_installed() -> None:
    point = installed()["acme"]
    assert point.dist
    assert point.dist.name == "acme-flow"
    assert load("acme")().run("the pipeline", "the store", 1) == "ran the pipeline on the store"


def test_an_unknown_name_is_refused_with_the_nearest_and_all_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"no orchestrator 'locl' .* mean 'local'") as error:
        load("locl")
    assert "beam, kubeflow, local" in error.value.hint
    with pytest.raises(SettingsError, match="no orchestrator 'zeppelin' is installed"):
        load("zeppelin")


def test_one_that_is_not_installed_any_more_is_gone() -> None:
    assert "acme" not in installed()


def test_an_orchestrator_says_itself_where_it_runs() -> None:
    places = {name: is_remote(load(name)) for name in ("beam", "kubeflow", "local")}
    assert places == {"beam": False, "kubeflow": True, "local": False}


def test_one_that_cannot_be_imported_is_named(acme: Path) -> None:
    (acme / "acme_flow.py").write_text("import what_is_not_there")
    with pytest.raises(SettingsError, match=r"'acme' cannot be imported: .*what_is_not_there"):
        load("acme")
    assert "cannot be imported" in CliRunner().invoke(app, ["orchestrators"]).output
