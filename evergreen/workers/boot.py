"""Starts a Beam worker; called on the worker's machine by a runner with PROCESS environments.

Beam's own boot program is in its container images, and installs shipped packages by pip, in an
environment without TFX. Here the packages of the lock are installed already, and only the project's
code is shipped.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from apache_beam.portability.api import (
    beam_artifact_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    endpoints_pb2,
)
from google.protobuf import json_format, text_format

from evergreen.channels import channel as open_channel
from evergreen.workers.shipped import private, unpacked

log = logging.getLogger(__name__)
HARNESS = "apache_beam.runners.worker.sdk_worker_main"
SECONDS = 60.0
"""The longest wait for an answer of the runner."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Gets instructions from the runner, unpacks the shipped code, and becomes Beam's worker."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--id", required=True, help="the worker's name")
    parser.add_argument("--provision_endpoint", required=True, help="where the runner answers")
    known = parser.parse_known_args(arguments)[0]
    # Issue: Beam 2.77's Prism gives the name in quotes, but does not accept it with them.
    worker = known.id.strip("'")
    info = _provision(known.provision_endpoint, worker)
    with _failures_told(info, worker):
        paths = _shipped(info, worker)
    # -P: searches for code in the shipped folders, but not in the working folder.
    words = [sys.executable, "-P", "-m", HARNESS]
    os.execve(sys.executable, words, environment(info, worker, paths))  # noqa: S606


def environment(
    info: beam_provision_api_pb2.ProvisionInfo, worker: str, paths: Sequence[Path]
) -> dict[str, str]:
    """Returns the environment variables that instruct Beam's worker.

    Args:
        info: The runner's provision info.
        worker: The worker's name.
        paths: The folders of shipped code, which precede installed packages.
    """
    before = os.environ.get("PYTHONPATH", "")
    told = {
        "WORKER_ID": worker,
        "PIPELINE_OPTIONS": json.dumps(json_format.MessageToDict(info.pipeline_options)),
        "LOGGING_API_SERVICE_DESCRIPTOR": _text(info.logging_endpoint),
        "CONTROL_API_SERVICE_DESCRIPTOR": _text(info.control_endpoint),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        "PYTHONPATH": os.pathsep.join([*map(str, paths), *filter(None, [before])]),
    }
    if info.HasField("status_endpoint"):
        told["STATUS_API_SERVICE_DESCRIPTOR"] = _text(info.status_endpoint)
    return os.environ | told


@contextmanager
def _failures_told(info: beam_provision_api_pb2.ProvisionInfo, worker: str) -> Iterator[None]:
    """Logs failures to the runner, since task managers of Flink drop the output of workers."""
    try:
        yield
    except Exception as error:
        os.environ["WORKER_ID"] = worker  # read by the imports below
        from apache_beam.runners.worker.log_handler import FnApiLogRecordHandler

        handler = FnApiLogRecordHandler(info.logging_endpoint)
        log.addHandler(handler)
        log.exception("cannot start: %s %s", error, getattr(error, "hint", ""))
        handler.close()
        raise


def _provision(endpoint: str, worker: str) -> beam_provision_api_pb2.ProvisionInfo:
    with open_channel(endpoint) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        return service.GetProvisionInfo(request, SECONDS, metadata=_who(worker)).info


def _shipped(info: beam_provision_api_pb2.ProvisionInfo, worker: str) -> list[Path]:
    folder = private(Path(tempfile.gettempdir()) / f"evergreen-workers-{os.getuid()}")
    with open_channel(info.artifact_endpoint.url) as channel:
        service = beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub(channel)
        return unpacked(info.dependencies, service, _who(worker), folder)


def _who(worker: str) -> tuple[tuple[str, str]]:
    return (("worker_id", worker),)


def _text(endpoint: endpoints_pb2.ApiServiceDescriptor) -> str:
    return text_format.MessageToString(endpoint, as_one_line=True)


if __name__ == "__main__":
    main()
