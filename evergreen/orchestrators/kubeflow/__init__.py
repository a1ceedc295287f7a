"""Kubeflow Pipelines: runs the same nodes by the same launcher, in containers of a cluster.

`compiler` turns the pipeline into a file that Kubeflow Pipelines runs; the containers of that file
run `entry`; `client` calls the API. See docs/kubeflow.md.
"""

from typing import TYPE_CHECKING

from evergreen.errors import SettingsError

if TYPE_CHECKING:
    from ml_metadata.proto.metadata_store_pb2 import ConnectionConfig
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline


class KubeflowOrchestrator:
    """Containers of a Kubeflow cluster, which plans and runs on its own."""

    def __init__(self) -> None:
        raise SettingsError(
            "a run on Kubeflow is not driven from here: the cluster plans and runs it by itself.",
            hint="Start one with: python kubeflow_runner.py run. Or run here: --orchestrator local",
        )

    def run(self, ir: "Pipeline", connection: "ConnectionConfig", at_once: int) -> None:
        """Never reached: the cluster runs the nodes."""
