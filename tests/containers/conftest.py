"""The image, built once; a machine without network, in which there is only a database."""

from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from evergreen.lineage.mysql import PASSWORD as VARIABLE
from tests.containers.engine import HARDENED, Service, podman, prepare
from tests.mariadb import PASSWORD, MariaDb

# A network namespace of its own, with nothing but loopback in it.
ALONE = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")

Contained = Callable[..., "CompletedProcess[str]"]


@pytest.fixture(scope="session")
def image() -> str:
    return prepare()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, image: str) -> Iterator[Service]:
    """Docker's API, with the image in it."""
    with Service(tmp_path_factory.mktemp("podman")) as service:
        yield service


@pytest.fixture(scope="session")
def lonely_mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A database in a network of its own, which containers may join."""
    server = MariaDb(tmp_path_factory.mktemp("mariadb"), ALONE)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def contained(image: str) -> Contained:
    """Runs a command in a container without network."""

    def run(*words: str, check: bool = True) -> CompletedProcess[str]:
        return podman("run", "--rm", "--network=none", *HARDENED, image, *words, check=check)

    return run


@pytest.fixture
def beside_the_database(image: str, lonely_mariadb: MariaDb, tmp_path: Path) -> Contained:
    """Runs a command in a container that reaches the database and a volume, and nothing else."""
    volume = tmp_path / "volume"
    volume.mkdir()
    volume.chmod(0o777)

    def run(*words: str, check: bool = True) -> CompletedProcess[str]:
        places = [f"--network=ns:/proc/{lonely_mariadb.pid}/ns/net"]
        places += [f"--volume={volume}:/mnt/evergreen", f"--env={VARIABLE}={PASSWORD}"]
        return podman("run", "--rm", *places, *HARDENED, image, *words, check=check)

    return run
