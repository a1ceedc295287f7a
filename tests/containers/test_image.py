"""The image, and what works in it on a machine without network."""

import json

import pytest

from evergreen.settings.metadata import MySqlSettings
from tests.containers.conftest import Contained
from tests.containers.engine import UID, podman
from tests.mariadb import PASSWORD, MariaDb, overrides


@pytest.fixture
def options(lonely_mariadb: MariaDb) -> list[str]:
    """Options of `evergreen` for a run on a volume, with a database of its own."""
    database: MySqlSettings = lonely_mariadb.database()
    pairs = [*overrides(database), "pipeline.orchestrator=local"]
    return ["--config=kubeflow", *(f"--set={pair}" for pair in pairs)]


def test_it_says_what_it_is_and_runs_as_nobody_in_particular(image: str) -> None:
    [found] = json.loads(podman("image", "inspect", image).stdout)
    assert found["Config"]["User"] == f"{UID}:{UID}"
    assert found["Config"].get("Entrypoint") is None
    labels = found["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] in image
    assert len(labels["org.opencontainers.image.revision"].removesuffix("-dirty")) == 40
    assert PASSWORD not in json.dumps(found)


def test_nothing_in_it_compiles_and_nothing_of_the_tests_is_in_it(contained: Contained) -> None:
    tools = "for tool in gcc g++ cc as ld make; do command -v $tool; done; true"
    assert contained("sh", "-c", tools).stdout == ""
    there = set(contained("ls", "-A", "/app").stdout.split())
    assert {"configs", "data", "evergreen", "models", "pipeline", "setup.py"} <= there
    assert not there & {"tests", "docs", "benchmarks", "var", ".git", ".venv"}


def test_the_command_works_from_its_folder(contained: Contained) -> None:
    assert "Keeps a machine-learning model fresh" in contained("evergreen", "--help").stdout
    shown = contained("evergreen", "config", "show", "--config=kubeflow").stdout
    assert "/mnt/evergreen/pipeline" in shown


def test_every_module_is_compiled_already(contained: Contained) -> None:
    program = """
import pathlib, sys
folders = [pathlib.Path('/app'), *pathlib.Path('/opt/venv/lib').glob('*/site-packages')]
names = ('evergreen', 'pipeline', 'tfx', 'tensorflow', 'keras', 'apache_beam')
sources = [f for folder in folders for name in names for f in (folder / name).rglob('*.py')]
bare = [f for f in sources
        if not list((f.parent / '__pycache__').glob(f'{f.stem}.cpython-311.pyc'))]
print(len(sources), len(bare))
"""
    sources, bare = map(int, contained("python", "-c", program).stdout.split())
    assert sources > 3000
    # Templates that end in .py and are no Python.
    assert bare <= 10


def test_what_a_node_imports_is_there(contained: Contained) -> None:
    modules = "evergreen.running.compilation, evergreen.orchestrators.beam, pipeline.graph"
    contained("python", "-c", f"import {modules}; import models.taxi.model")


def test_a_run_needs_a_volume_and_a_database_and_nothing_else(
    beside_the_database: Contained, options: list[str], lonely_mariadb: MariaDb
) -> None:
    beside_the_database("evergreen", "data", "prepare", *options)
    ran = beside_the_database("evergreen", "run", "--spans=1", *options, check=False)
    # One span is little: the gate may refuse the model, which is an outcome too.
    assert ran.returncode in (0, 4), ran.stdout + ran.stderr
    assert "ServingValidator" in ran.stdout
    again = beside_the_database("evergreen", "report", *options, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert PASSWORD not in ran.stdout + ran.stderr
