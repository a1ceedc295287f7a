"""Runners with workers in processes of their own: Flink, and Prism, which speaks the same protocol.

Whatever can be had is used; what cannot is skipped, with the reason.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from evergreen.settings import load_settings
from tests.flink.cluster import flink, job_server, prism
from tests.project import ROOT


@dataclass(frozen=True)
class Engine:
    """A running runner.

    Attributes:
        name: `flink` or `prism`.
        args: Beam's options, of the overlay, but with its endpoint.
    """

    name: str
    args: list[str]


def needed(variable: str) -> Path:
    """A path that `tests/flink/run.sh` has put there."""
    if found := os.environ.get(variable):
        return Path(found)
    pytest.skip(os.environ.get(f"{variable}_MISSING") or f"{variable} is not set: make test-flink")


@pytest.fixture(scope="session")
def flink_rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Flink cluster's REST API."""
    with flink(tmp_path_factory.mktemp("flink"), needed("EVERGREEN_FLINK")) as rest:
        yield rest


@pytest.fixture(scope="session", params=["flink", "prism"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "flink":
        needed("EVERGREEN_FLINK_JOB_SERVER")
        running = job_server(folder, request.getfixturevalue("flink_rest"))
    else:
        running = prism(folder, needed("EVERGREEN_PRISM"))
    with running as endpoint:
        yield Engine(request.param, beam_args(endpoint))


def beam_args(endpoint: str) -> list[str]:
    """The options of configs/flink.yaml, for another endpoint, from any folder."""
    args = load_settings(ROOT, ["flink"]).beam.args
    changed = {"--job_endpoint": endpoint, "--setup_file": str(ROOT / "setup.py")}
    named = [arg.split("=", 1) for arg in args]
    return [f"{name}={changed.get(name, value)}" for name, value in named]
