"""Unpacks code that Beam ships to a machine, once for all its workers."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from apache_beam.portability.api import beam_artifact_api_pb2, beam_runner_api_pb2

from evergreen.errors import EvergreenError

LISTS = ("submission_environment_dependencies.txt", "extra_packages.txt")
"""Files that Beam ships besides packages, which are not unpacked."""
Artifact: TypeAlias = beam_runner_api_pb2.ArtifactInformation


class ShippedError(EvergreenError):
    """Raised when shipped files cannot be used."""


def unpacked(
    artifacts: Iterable[Artifact], service: Any, who: Sequence[tuple[str, str]], folder: Path
) -> list[Path]:
    """Fetches source distributions and wheels, and unpacks them.

    They are pure Python with their packages at the top, so nothing is built or installed.

    Args:
        artifacts: The artifacts that the runner lists.
        service: A stub of Beam's ArtifactRetrievalService.
        who: gRPC metadata that name the worker.
        folder: The folder for the code, each package under the hash of its content.

    Returns:
        The folders to import from, in the order of the artifacts.

    Raises:
        ShippedError: If an artifact is neither.
    """
    request = beam_artifact_api_pb2.ResolveArtifactsRequest(artifacts=artifacts)
    found = service.ResolveArtifacts(request, metadata=who).replacements
    named = [(staged_name(artifact), artifact) for artifact in found]
    packages = [(name, artifact) for name, artifact in named if name not in LISTS]
    return [_unpack(name, _fetch(artifact, service, who), folder) for name, artifact in packages]


def staged_name(artifact: Artifact) -> str:
    """Returns the file name of an artifact."""
    role = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(artifact.role_payload)
    return str(role.staged_name)


def private(folder: Path) -> Path:
    """Creates a folder that nobody else may write to, and returns it.

    Raises:
        ShippedError: If it belongs to someone else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o022 or folder.is_symlink():
        raise ShippedError(
            f"{folder}: others may write to it, and the code of workers would go there.",
            hint="Remove it, or set TMPDIR to a folder of your own.",
        )
    return folder


def _fetch(artifact: Artifact, service: Any, who: Sequence[tuple[str, str]]) -> bytes:
    request = beam_artifact_api_pb2.GetArtifactRequest(artifact=artifact)
    return b"".join(block.data for block in service.GetArtifact(request, metadata=who))


def _unpack(name: str, content: bytes, folder: Path) -> Path:
    kind = "zip" if name.endswith(".whl") else "gztar" if name.endswith(".tar.gz") else None
    if kind is None:
        raise ShippedError(
            f"{name} was shipped to a worker, which takes source distributions and wheels.",
            hint="Ship the project by --setup_file; what it requires must be installed there.",
        )
    target = folder / hashlib.sha256(content).hexdigest()
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=folder) as made:
            archive, inside = Path(made, name), Path(made, "unpacked")
            archive.write_bytes(content)
            shutil.unpack_archive(archive, inside, kind, **_safely(kind))
            _publish(inside, target)
    # A source distribution has one folder, <name>-<version>; a wheel has its packages at the top.
    return target if kind == "zip" else next(child for child in target.iterdir() if child.is_dir())


def _safely(kind: str) -> dict[str, Any]:
    return {"filter": "data"} if kind == "gztar" else {}


def _publish(inside: Path, target: Path) -> None:
    """Renames a folder, unless another worker has done so."""
    try:
        inside.rename(target)
    except OSError:
        if not target.is_dir():
            raise
