"""Several use cases in one project, one store and one root: commands take all, or the named one."""

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from benchmarks.lineage.history import START, make_history
from evergreen.cli import app
from evergreen.commands.project import Project
from evergreen.commands.serve import exposed
from evergreen.errors import SettingsError
from evergreen.lineage.doctor import Doctor
from evergreen.lineage.retention import Retention
from evergreen.lineage.roots import Root
from evergreen.settings import Settings, load_settings
from tests.project import ROOT

FLIGHTS = """
use_case: flights
data: {key: flight_id, timestamp: departure}
model: {label: late}
gates: {model: {bounds: [{metric: auc, at_least: 0.6}]}}
"""
RUNS = {"taxi": 3, "flights": 2}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of one use case and two of the other, with the files that they leave."""
    folder = tmp_path_factory.mktemp("project")
    shipped = shutil.ignore_patterns("arrivals.yaml", "penguins.yaml")
    shutil.copytree(ROOT / "configs", folder / "configs", ignore=shipped)
    (folder / "configs/flights.yaml").write_text(FLIGHTS)
    for days, (name, runs) in enumerate(RUNS.items()):
        member = Project(folder, name)
        Root.of(member.settings, member.store).claim()
        make_history(member.settings, member.store, runs, START + timedelta(days=days, hours=1))
        for version in member.lineage.versions():
            if version.path:
                Path(version.path).mkdir(parents=True)
                Path(version.path, "saved_model.pb").touch()
    for artifact in member.store.get_artifacts():
        Path(artifact.uri).mkdir(parents=True)
    return folder


def settings_of(project: Path, name: str) -> Settings:
    return load_settings(project, use_case=name)


def ask(project: Path, *words: str) -> Result:
    answer = CliRunner(env={"COLUMNS": "250"}).invoke(app, [*words, "--project", str(project)])
    assert answer.exit_code == 0, answer.output
    return answer


def test_members_are_all_use_cases_or_the_named_one(project: Path) -> None:
    assert [member.use_case for member in Project(project).members] == ["flights", "taxi"]
    for named in (
        Project(project, "taxi"),
        Project(project, given=("taxi",)),
        Project(project, overrides=("use_case=taxi",)),
    ):
        assert [member.settings.use_case for member in named.members] == ["taxi"]


def test_runs_are_those_of_all_use_cases_or_of_the_named_one(project: Path) -> None:
    shown = ask(project, "runs").stdout
    assert len(re.findall(r"^ \d{8}-\d{6}-\w{6} +taxi ", shown, re.MULTILINE)) == RUNS["taxi"]
    assert len(re.findall(r"^ \d{8}-\d{6}-\w{6} +flights ", shown, re.MULTILINE)) == RUNS["flights"]
    found = [run["created"] for run in json.loads(ask(project, "runs", "--json").stdout)]
    assert found == sorted(found, reverse=True)
    own = json.loads(ask(project, "runs", "-u", "flights", "--json").stdout)
    assert [run["model"] for run in own] == ["flights"] * RUNS["flights"]


def test_models_are_shown_by_use_case(project: Path) -> None:
    shown = ask(project, "models").stdout
    assert shown.index("flights") < shown.index("taxi")
    assert re.search(r"next: evergreen promote .*2 -u flights$", shown.strip())
    assert "taxi" not in ask(project, "models", "-u", "flights").stdout


def test_the_server_gets_every_model_that_has_a_version(project: Path) -> None:
    served = exposed(Project(project)).model_config_list.config
    assert [model.name for model in served] == ["flights", "taxi"]
    [model] = exposed(Project(project, "taxi")).model_config_list.config
    assert model.name == "taxi"


def test_a_folder_that_two_use_cases_would_share_is_refused(project: Path) -> None:
    both = Project(project, overrides=("serving.base_path=/srv/models",))
    with pytest.raises(SettingsError, match=r"serving.base_path is /srv/models for flights and"):
        exposed(both)
    own = Project(project, overrides=("serving.base_path=/srv/{use_case}",))
    assert len(own.apart("serving.base_path")) == len(RUNS)


def test_what_one_use_case_gives_up_is_its_own(project: Path) -> None:
    pipelines = {}
    for name in RUNS:
        member = Project(project, name)
        found = member.settings.pipeline
        retention = Retention(member.store, name, found.name, found.root)
        pipelines[name] = {artifact.id for artifact in retention.find(1).artifacts}
        assert Doctor(member.settings, member.store).examine() == []
    assert not pipelines["taxi"] & pipelines["flights"]
    [folder] = [Path(artifact.uri) for artifact in member.store.get_artifacts_by_id([1])]
    shutil.rmtree(folder)  # of the taxi
    other = settings_of(project, "flights")
    assert Doctor(other, member.store).examine() == []
