"""How the servers get to know which versions are exposed."""

from typing import Annotated, Literal

from pydantic import Field

from evergreen.settings.base import ProjectPath, Section

KubernetesName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
BASE_PATH = Field(None, description="`serving.base_path` as the servers see it; null: the same.")


class ByReload(Section):
    """One server, the embedded one or TensorFlow Serving: by a HandleReloadConfigRequest.

    It is sent to `gateway.backend.grpc`. A server takes all that it is to serve at once, so what it
    serves of others is said again. The embedded server tells what that is; TensorFlow Serving does
    not: say what it reads, or that there is nothing else.
    """

    by: Literal["reload"]
    base_path: str | None = BASE_PATH
    config_file: ProjectPath | None = Field(
        None, description="TensorFlow Serving's --model_config_file; other models in it stay."
    )
    alone: bool = Field(
        False, description="Whether the server serves this model alone; anything else on it ends."
    )
    load_seconds: float = Field(60, gt=0, description="How long a version may take to load.")


class InKubernetes(Section):
    """An object in a Kubernetes cluster."""

    namespace: KubernetesName
    name: KubernetesName
    base_path: str | None = BASE_PATH
    kubeconfig: ProjectPath | None = Field(
        None, description="A kubeconfig file; null: the pod's own account, or the user's file."
    )


class ByConfigMap(InKubernetes):
    """Replicas of TensorFlow Serving, which read the file of their models again and again."""

    by: Literal["config_map"]
    key: str = Field("models.config", pattern=r"^[\w.-]+$", description="The file's name.")


class ByKServe(InKubernetes):
    """An InferenceService of KServe: each revision has a file of its own with one version."""

    by: Literal["kserve"]
    canary_percent: int = Field(10, gt=0, lt=100, description="The canary's share; KServe's own.")


class ByHand(Section):
    """Nobody is told: what is served is configured elsewhere."""

    by: Literal["hand"]


ExposureSettings = Annotated[ByReload | ByConfigMap | ByKServe | ByHand, Field(discriminator="by")]
