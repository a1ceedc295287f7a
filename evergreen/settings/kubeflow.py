"""Settings of Kubeflow Pipelines: its address, and the resources of the nodes' containers."""

from typing import Annotated, Literal

from pydantic import Field

from evergreen.settings.base import ProjectPath, Section

Quantity = Annotated[str, Field(pattern=r"^\d+(\.\d+)?(m|[kMGTPE]i?)?$")]
"""A quantity in Kubernetes' notation: `500m`, `2`, `8Gi`."""
Seconds = Annotated[int, Field(ge=0, le=3600)]
Retries = Annotated[int, Field(ge=0, le=20)]
KubernetesName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]


class AcceleratorSettings(Section):
    """Accelerators of a container."""

    type: str = Field("nvidia.com/gpu", description="The resource that the cluster offers.")
    count: Annotated[int, Field(ge=1)] = 1


class TolerationSettings(Section):
    """A taint that a pod tolerates; nodes with accelerators often have one."""

    key: str
    operator: Literal["Equal", "Exists"] = "Exists"
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""


class NodeSettings(Section):
    """The requests of a node's container; `defaults` apply to what is not set."""

    image: str | None = Field(
        None, description="It must contain the project, like the default image."
    )
    cpu: Quantity | None = Field(
        None, description="Requested; free capacity may be used beyond it."
    )
    memory: Quantity | None = Field(None, description="Requested, and the limit.")
    accelerator: AcceleratorSettings | None = None
    node_selector: dict[str, str] | None = None
    tolerations: tuple[TolerationSettings, ...] | None = None
    retries: Retries | None = None

    def over(self, usual: "NodeSettings") -> "NodeSettings":
        """Returns these settings, completed by the usual ones."""
        mine = {key: value for key, value in self if value is not None}
        return usual.model_copy(update=mine)


class BackoffSettings(Section):
    """The wait before a failed container is started again."""

    seconds: Seconds = Field(30, description="Before the first retry.")
    factor: Annotated[float, Field(ge=1)] = Field(2.0, description="Longer each time.")
    max_seconds: Seconds = 600


class VolumeSettings(Section):
    """A volume at the same path in every container; ReadWriteMany if there are several machines."""

    claim: KubernetesName = Field(description="The name of the PersistentVolumeClaim.")
    mount: Annotated[str, Field(pattern=r"^/.+")] = "/mnt/evergreen"


class SecretSettings(Section):
    """A key of a Kubernetes secret. The pod reads it; the compiled pipeline holds only its name."""

    secret: KubernetesName
    key: str


class KubeflowSettings(Section):
    """Kubeflow Pipelines, and the containers that the nodes run in."""

    endpoint: str | None = Field(
        None, description="The API, http(s)://...; EVERGREEN_KUBEFLOW_ENDPOINT if not set."
    )
    token_file: ProjectPath | None = Field(
        None, description="A file with the token for the API; EVERGREEN_KUBEFLOW_TOKEN if not set."
    )
    ca: ProjectPath | None = Field(
        None, description="Certificates of the authorities trusted for the API's TLS."
    )
    namespace: KubernetesName = "kubeflow"
    service_account: KubernetesName | None = Field(
        None, description="The service account of the pods."
    )
    image: str | None = Field(
        None, description="The image of all nodes; evergreen:<version> if not set."
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    volume: VolumeSettings | None = None
    secrets: dict[Variable, SecretSettings] = Field(
        {}, description="Environment variables of the containers, from secrets."
    )
    parallelism: Annotated[int, Field(ge=1)] = Field(
        4, description="The most spans that are ingested at the same time."
    )
    defaults: NodeSettings = Field(
        NodeSettings(cpu="1", memory="4Gi", retries=2), description="The requests of a container."
    )
    control: NodeSettings = Field(
        NodeSettings(cpu="250m", memory="1Gi", retries=2),
        description="The requests of the tasks that plan a run and publish its outcome.",
    )
    backoff: BackoffSettings = BackoffSettings()
    nodes: dict[str, NodeSettings] = Field({}, description="The requests of single nodes.")
    groups: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = Field(
        (), description="Nodes to launch in one container. Others are grouped automatically."
    )

    def asked(self, node: str) -> NodeSettings:
        """Returns the settings of a node's container."""
        return self.nodes.get(node, NodeSettings()).over(self.defaults)
