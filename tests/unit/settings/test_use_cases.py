"""A use case is a name, and any use case goes with any environment, in either order."""

import re
import shutil
from pathlib import Path

import pytest

from evergreen.errors import SettingsError
from evergreen.settings import Settings, load_settings
from evergreen.settings.conventions import CONVENTIONS
from evergreen.settings.use_cases import ENVIRONMENTS, use_cases
from tests.project import ROOT

OTHER = """
data: {key: flight_id, timestamp: departure}
model: {label: late}
gates: {model: {bounds: [{metric: auc, at_least: 0.6}]}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two use cases: the taxi, which says so, and one with a folder in models/."""
    shipped = shutil.ignore_patterns("arrivals.yaml", "penguins.yaml")
    shutil.copytree(ROOT / "configs", tmp_path / "configs", ignore=shipped)
    (tmp_path / "models/flights").mkdir(parents=True)
    (tmp_path / "configs/flights.yaml").write_text(OTHER)
    return tmp_path


def refusal(project: Path, overlays: tuple[str, ...] = ("local",), **given: object) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(project, overlays, **given)  # type: ignore[arg-type]
    return f"{refused.value} {refused.value.hint}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("name", ["taxi", "flights"])
def test_any_use_case_goes_with_any_environment_in_either_order(
    project: Path, name: str, environment: str
) -> None:
    by_option = load_settings(project, [environment], use_case=name)
    for again in (
        load_settings(project, [environment, name]),
        load_settings(project, [name, environment]),
        load_settings(project, [environment], [f"use_case={name}"]),
        load_settings(project, [name, environment], use_case=name),
    ):
        assert again == by_option
    assert (by_option.use_case, by_option.model.name, by_option.pipeline.name) == (name,) * 3


def test_an_environment_wins_over_a_use_case_wherever_it_is_named(project: Path) -> None:
    (project / "configs/flights.yaml").write_text(OTHER + "serving: {exposure: {by: reload}}\n")
    (project / "configs/own.yaml").write_text("serving: {exposure: {by: hand}}\n")
    for overlays in (["own", "flights"], ["flights", "own"]):
        assert load_settings(project, overlays).serving.exposure.by == "hand"


def test_the_base_has_no_word_of_a_use_case_and_an_environment_neither() -> None:
    words = "|".join(use_cases(ROOT)) + "|trip|tip|fare"
    for name in ("base", *ENVIRONMENTS):
        text = (ROOT / f"configs/{name}.yaml").read_text()
        assert set(re.findall(words, text)) <= {"taxi"}, name
        assert not [line for line in text.splitlines() if "taxi" in line.split("#")[0]], name


def own_places(settings: Settings) -> set[Path]:
    log = settings.gateway.log.folder
    labels = settings.monitoring.labels.folder
    assert log
    assert labels
    served = settings.serving.base_path
    return {settings.data.spans, served, log, settings.monitoring.folder, labels}


def test_everything_follows_from_name_and_root(project: Path) -> None:
    taxi, flights = (load_settings(project, [], [], name) for name in ("taxi", "flights"))
    assert not own_places(taxi) & own_places(flights)
    assert taxi.metadata == flights.metadata
    assert taxi.pipeline.root == flights.pipeline.root
    assert taxi.data_series != flights.data_series
    moved = load_settings(project, [], ["root=/elsewhere/{use_case}"], "flights")
    assert all(place.is_relative_to("/elsewhere/flights") for place in own_places(moved))
    assert str(moved.metadata.sqlite) == "/elsewhere/flights/metadata.sqlite"
    assert flights.model.run_fn == "models.flights.model.run_fn"
    assert flights.data.table_schema == project / "data/flights/schema.pbtxt"


def test_a_path_may_name_the_use_case(project: Path) -> None:
    [line] = refusal(project, overrides=["data.spans=/mnt/{usecase}"]).strip().split("\n")
    assert "has {usecase}; the placeholders are {use_case} and {root}" in line
    spans = load_settings(project, [], ["data.spans=/mnt/{use_case}/in"], "flights").data.spans
    assert spans == Path("/mnt/flights/in")


def test_metadata_are_on_the_server_that_an_environment_names(project: Path) -> None:
    (project / "configs/own.yaml").write_text(
        "metadata: {mysql: {host: db, database: evergreen, user: me}}"
    )
    assert load_settings(project, ["own"]).metadata.sqlite is None
    back = ["metadata.mysql=null", "metadata.sqlite=m.sqlite"]
    assert load_settings(project, ["own"], back).metadata.sqlite == project / "m.sqlite"


def test_which_one_is_meant_if_none_is_named(project: Path) -> None:
    assert load_settings(project).use_case == "taxi"
    base = project / "configs/base.yaml"
    base.write_text(base.read_text() + "use_case: flights\n")
    assert load_settings(project).use_case == "flights"
    assert load_settings(project, use_case="taxi").use_case == "taxi"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("flihgts", "there is no use case 'flihgts'; did you mean 'flights'? There are: flights, "),
        ("Flights", "there is no use case 'Flights'; did you mean 'flights'?"),
        ("FLIGHTS", "did you mean 'flights'?"),
        ("../flights", "is no name for a use case: it is not of the form"),
        ("models/flights", "is not of the form"),
        ("flights\n", "is not of the form"),
        ("$(id)", "is not of the form"),
        ("f" * 41, "is not of the form"),
        ("class", "is a keyword of Python"),
        ("match", "is a keyword of Python"),
        ("staging", "is the name of an environment"),
        ("base", "is the name of an environment"),
    ],
)
def test_a_name_that_is_none_is_refused(project: Path, name: str, said: str) -> None:
    assert said in refusal(project, use_case=name)


def test_half_a_use_case_is_refused_with_the_half_that_is_gone(project: Path) -> None:
    (project / "configs/flights.yaml").unlink()
    told = "models/flights is there, and configs/flights.yaml is not"
    assert told in refusal(project, use_case="flights")
    (project / "models/flights").rmdir()
    assert "there is no use case 'flights'. There are: taxi" in refusal(project, use_case="flights")
    (project / "configs/flights.yaml").write_text(OTHER)
    assert "models/flights is not" in refusal(project, use_case="flights")


def test_two_use_cases_are_refused(project: Path) -> None:
    for given in (
        {"use_case": "taxi", "overlays": ("flights",)},
        {"use_case": "taxi", "overrides": ["use_case=flights"]},
        {"overlays": ("taxi", "flights")},
    ):
        assert "two use cases are named" in refusal(project, **given)  # type: ignore[arg-type]


def test_a_root_that_is_wrong_is_told_once(project: Path) -> None:
    assert refusal(project, overrides=["root=s3://bucket"]).count("\n") == 0


def test_conventions_are_those_of_the_reference() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    for section in CONVENTIONS.values():
        for value in section.values() if isinstance(section, dict) else [section]:
            assert isinstance(value, dict) or str(value).strip("[]'") in page
