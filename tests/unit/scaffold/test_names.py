"""Names of use cases are safe, and free."""

from pathlib import Path

import pytest

from evergreen.errors import SettingsError
from evergreen.scaffold.names import check_name, identifier


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "models/Late").mkdir(parents=True)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/staging.yaml").touch()
    (tmp_path / "docs/use-cases").mkdir(parents=True)
    (tmp_path / "docs/use-cases/old.md").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("late", "taken: models/Late exists"),
        ("staging", "name of an environment"),
        ("old", "taken: docs/use-cases/old.md exists"),
        ("class", "keyword of Python"),
        ("match", "keyword of Python"),
        ("models", "of the project"),
        ("base", "name of an environment"),
        ("Flights", "lower case"),
        ("../flights", "lower case"),
        ("a/b", "lower case"),
        ("flüge", "lower case"),
        ("1st", "lower case"),
        ("a-b", "lower case"),
        ("", "lower case"),
        ("a" * 41, "40 at most"),
        ("a\n", "lower case"),
        ("__init__", "lower case"),
    ],
)
def test_a_hostile_or_taken_name_is_refused(project: Path, name: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        check_name(project, name)


def test_any_other_name_is_free(project: Path) -> None:
    check_name(project, "my_flights")


@pytest.mark.parametrize(
    ("text", "name"),
    [("Arr Delay > 15", "arr_delay_15"), ("class", "class_"), ("1st", "n1st"), ("東京", "none")],
)
def test_any_text_becomes_a_python_name(text: str, name: str) -> None:
    assert identifier(text, "none") == name
    assert name.isidentifier()
