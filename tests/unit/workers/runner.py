"""A runner as a worker sees it: Beam's services, on a port of 127.0.0.1."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import grpc
from apache_beam.portability import common_urns
from apache_beam.portability.api import (
    beam_artifact_api_pb2_grpc,
    beam_fn_api_pb2,
    beam_fn_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    beam_runner_api_pb2,
    endpoints_pb2,
)
from apache_beam.runners.portability.artifact_service import ArtifactRetrievalService

from evergreen.workers.shipped import Artifact


class Runner(
    beam_fn_api_pb2_grpc.BeamFnLoggingServicer,
    beam_provision_api_pb2_grpc.ProvisionServiceServicer,
):
    """Provisions workers, and keeps what they log."""

    def __init__(self, shipped: Sequence[Artifact]) -> None:
        self.logged: list[str] = []
        self.endpoint = ""
        self._shipped = shipped

    def GetProvisionInfo(  # noqa: N802
        self,
        request: beam_provision_api_pb2.GetProvisionInfoRequest,
        context: grpc.ServicerContext,
    ) -> beam_provision_api_pb2.GetProvisionInfoResponse:
        here = endpoints_pb2.ApiServiceDescriptor(url=self.endpoint)
        info = beam_provision_api_pb2.ProvisionInfo(
            artifact_endpoint=here,
            control_endpoint=here,
            logging_endpoint=here,
            dependencies=self._shipped,
        )
        return beam_provision_api_pb2.GetProvisionInfoResponse(info=info)

    def Logging(  # noqa: N802
        self, entries: Iterator[beam_fn_api_pb2.LogEntry.List], context: grpc.ServicerContext
    ) -> Iterator[beam_fn_api_pb2.LogControl]:
        for some in entries:
            self.logged += [entry.message for entry in some.log_entries]
        yield from ()


@contextmanager
def serving(*shipped: Artifact) -> Iterator[Runner]:
    """Starts a runner that has shipped something."""
    runner, server = Runner(shipped), grpc.server(ThreadPoolExecutor(8))
    runner.endpoint = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    files = ArtifactRetrievalService(lambda path: BytesIO(Path(path).read_bytes()))
    beam_artifact_api_pb2_grpc.add_ArtifactRetrievalServiceServicer_to_server(files, server)
    beam_fn_api_pb2_grpc.add_BeamFnLoggingServicer_to_server(runner, server)
    beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(runner, server)
    server.start()
    yield runner
    server.stop(None).wait()


def artifact(file: Path, name: str) -> Artifact:
    payload = beam_runner_api_pb2.ArtifactFilePayload(path=str(file))
    role = beam_runner_api_pb2.ArtifactStagingToRolePayload(staged_name=name)
    return Artifact(
        type_urn=common_urns.artifact_types.FILE.urn,
        type_payload=payload.SerializeToString(),
        role_urn=common_urns.artifact_roles.STAGING_TO.urn,
        role_payload=role.SerializeToString(),
    )
