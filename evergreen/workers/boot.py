"""Starts a Beam worker: what a runner with PROCESS environments calls, on the machine that works.

Beam's own program for this is in its container images; it installs what is shipped by pip, into an
environment in which TFX is not. Here the packages of the lock are there already, and only the
project's code is shipped.
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
"""For an answer of the runner that started this process."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Asks the runner what to do, unpacks what was shipped, and becomes Beam's worker."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--id", required=True, help="the worker's name")
    parser.add_argument("--provision_endpoint", required=True, help="where the runner answers")
    known = parser.parse_known_args(arguments)[0]
    # Issue: Beam 2.77's Prism gives the name in quotes, and does not know it again with them.
    worker = known.id.strip("'")
    info = _provision(known.provision_endpoint, worker)
    with _failures_told(info, worker):
        paths = _shipped(info, worker)
    # -P: the folder it was started in is not searched for code; what was shipped is.
    words = [sys.executable, "-P", "-m", HARNESS]
    os.execve(sys.executable, words, environment(info, worker, paths))  # noqa: S606


def environment(
    info: beam_provision_api_pb2.ProvisionInfo, worker: str, paths: Sequence[Path]
) -> dict[str, str]:
    """The environment variables by which Beam's worker learns what to do.

    Args:
        info: What the runner says.
        worker: The worker's name.
        paths: Where shipped code is. It goes before what is installed.
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
    """Logs what goes wrong to the runner: task managers of Flink drop what workers print."""
    try:
        yield
    except Exception as error:
        os.environ["WORKER_ID"] = worker  # read by what is imported now
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
