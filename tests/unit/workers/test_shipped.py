"""Code that Beam ships to a worker is unpacked once; unusable files are named."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from apache_beam.portability.api import beam_artifact_api_pb2_grpc

from evergreen.workers.shipped import ShippedError, private, unpacked
from tests.project import ROOT
from tests.unit.workers.runner import artifact, serving

WHO = (("worker_id", "1-1"),)


@pytest.fixture
def service() -> Iterator[beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub]:
    with serving() as runner, grpc.insecure_channel(runner.endpoint) as channel:
        yield beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub(channel)


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `--setup_file` makes of this project."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.tar.gz"))


def test_the_project_is_unpacked_once(
    service: beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub,
    distribution: Path,
    tmp_path: Path,
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("apache-beam==2.77.0")
    shipped = [
        artifact(distribution, "workflow.tar.gz"),
        artifact(notes, "submission_environment_dependencies.txt"),
    ]
    folder = private(tmp_path / "workers")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: unpacked(shipped, service, WHO, folder), range(4)))
    [root] = found[0]
    assert found == [[root]] * 4
    assert root.parent.name == hashlib.sha256(distribution.read_bytes()).hexdigest()
    assert [path.name for path in folder.iterdir()] == [root.parent.name]
    for name in ("evergreen/cli.py", "models/taxi/features.py", "data/taxi/schema.pbtxt"):
        assert (root / name).read_bytes() == (ROOT / name).read_bytes()


def test_requirements_are_refused_with_what_to_do(
    service: beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub, tmp_path: Path
) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("pandas")
    with pytest.raises(ShippedError, match="was shipped to a worker") as refused:
        unpacked([artifact(file, file.name)], service, WHO, private(tmp_path / "workers"))
    assert "--setup_file" in str(refused.value.hint)


def test_code_is_not_put_where_others_write(tmp_path: Path) -> None:
    folder = tmp_path / "workers"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(ShippedError, match="others may write"):
        private(folder)


def test_the_distribution_can_be_installed(distribution: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--target", str(tmp_path), str(distribution)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "configs/base.yaml").is_file()
