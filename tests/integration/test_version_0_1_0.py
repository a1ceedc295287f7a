"""A whole store of version 0.1.0, moved to another folder: it is read, and runs go on in it."""

import json
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evergreen.cli import app
from evergreen.dashboard.actions import Place
from evergreen.dashboard.server import Dashboard, UseCase
from evergreen.launch import options
from evergreen.lineage.run_artifacts import RunReading
from evergreen.lineage.stages import Stage
from evergreen.runs.plan import Outcome
from evergreen.runs.reports.data import DataReport
from evergreen.runs.reports.model import ModelReport
from evergreen.runs.reports.serving import ServingReport
from tests.project import ROOT, Project, Ran
from tests.unit.dashboard.asking import TOKEN, get

STORE = Path(__file__).with_name("version_0_1_0") / "store.tar.xz"
OLD_ROOT = "/srv/evergreen/var/pipeline"
NEWEST = "20261130-163511-3b4907"
QUARTERS = ("data.period=quarter",)
BUSY = "gates.serving.p95_ms=60000"
"""A busy machine is no reason to refuse the model."""


class Earlier(Project):
    """The project, going on with the store of version 0.1.0."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.overrides = (*self.overrides, *QUARTERS)
        self.settings = self.with_settings()

    def command(self, *words: str, code: int = 0) -> str:
        """Runs a command on the store; returns what it prints."""
        pairs = [word for pair in self.overrides for word in ("--set", pair)]
        ran = CliRunner().invoke(app, [*words, "--project", str(ROOT), *pairs])
        if ran.exception and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        assert ran.exit_code == code, ran.output
        return ran.stdout


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    folder = tmp_path_factory.mktemp("version_0_1_0")
    with tarfile.open(STORE) as archive:
        archive.extractall(folder, filter="data")
    project = Earlier(folder)
    told = project.command("doctor", "--moved-from", OLD_ROOT, "--repair")
    assert "47 artifacts are recorded below" in told
    assert "repaired  " in told  # what the interrupted node had written
    assert told.count("is no artifact") == 1
    return project


@pytest.fixture(scope="module")
def gone_on(earlier: Earlier) -> Ran:
    """A run of today's code on one more span, compared with the version that 0.1.0 pushed."""
    return earlier.run("1-4", [BUSY])


def test_its_runs_are_listed_with_their_outcomes(earlier: Earlier) -> None:
    found = json.loads(earlier.command("runs", "--json"))
    assert [(run["state"], run["model_version"]) for run in found] == [
        ("pushed", 3),
        ("pushed", 2),
        ("interrupted", 2),
        ("model refused", 1),
    ]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("show", NEWEST), "ServingValidator"),
        (("show", "20261130-162334"), "calibration at least 0.8"),
        (("compare", "20261130-163336", NEWEST), "inputs that differ"),
        (("lineage", "3"), "span 3"),
        (("lineage", "span:1"), "version 2"),
        (("models",), "canary"),
        (("models", "history", "3"), "serving/3"),
        (("data", "list"), "2013-12-31"),
        (("gc",), ""),
    ],
)
def test_its_history_is_shown(earlier: Earlier, words: tuple[str, ...], text: str) -> None:
    assert text in earlier.command(*words)


def test_its_reports_are_types(earlier: Earlier) -> None:
    run = RunReading(earlier.store, earlier.lineage.record(NEWEST))
    assert [isinstance(span.report, DataReport) for span in run.spans] == [True] * 3
    model, serving = run.report(ModelReport), run.report(ServingReport)
    assert model is not None
    assert model.blessed
    assert serving is not None
    assert serving.blessed


def test_its_runs_have_a_page(earlier: Earlier) -> None:
    told = earlier.command("report", NEWEST)
    page = Path(told.splitlines()[0].rpartition(": ")[2]).read_text()
    assert "Version 3" in page or "version 3" in page
    assert "payment_type" in page


def test_the_dashboard_shows_it(earlier: Earlier) -> None:
    place = Place(tuple(options(ROOT, "taxi", ["local"], earlier.overrides)))
    paths = ("/", "/runs", f"/runs/{NEWEST}", "/models", "/models/3", "/data", "/lineage")
    more = ("/models/compare?one=2&other=3", "/lineage/models/3", "/lineage/spans/1")
    for status, text in get(Dashboard([UseCase(earlier.settings, place)], TOKEN), *paths, *more):
        assert status == 200, text


def test_a_run_goes_on_with_its_spans_and_its_baseline(earlier: Earlier, gone_on: Ran) -> None:
    assert gone_on.record.outcome is Outcome.PUSHED, gone_on.text
    assert gone_on.record.model_version == 4
    assert gone_on.record.baseline is not None
    assert gone_on.record.baseline.version == 2
    assert "not worse than the baseline" in gone_on.text
    assert [span.number for span in gone_on.record.window] == [1, 2, 3, 4]


def test_versions_of_both_are_promoted_and_rolled_back(earlier: Earlier, gone_on: Ran) -> None:
    assert "version 4 is serving now (promote)" in earlier.command("promote", "4")
    assert "version 2 is serving now (rollback)" in earlier.command("rollback")
    assert "version 3 is serving now (promote)" in earlier.command("promote", "3")
    stages = {version.version: version.stage for version in earlier.lineage.versions()}
    assert stages == {1: None, 2: Stage.ARCHIVED, 3: Stage.SERVING, 4: Stage.REJECTED}


def test_nothing_is_amiss_afterwards(earlier: Earlier, gone_on: Ran) -> None:
    assert "everything matches" in earlier.command("doctor")
