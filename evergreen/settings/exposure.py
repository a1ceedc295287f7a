"""Settings of exposure: the way in which servers learn which versions to serve."""

from typing import Annotated, Literal

from pydantic import Field

from evergreen.settings.base import ProjectPath, Section

KubernetesName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
BASE_PATH = Field(None, description="`serving.base_path` on the servers; null: the same.")


class ByReload(Section):
    """One server, the embedded one or TensorFlow Serving: by a HandleReloadConfigRequest.

    The request goes to `gateway.backend.grpc`. It replaces all that a server serves, so other
    models on the server must be named again. The embedded server lists them; TensorFlow Serving
    does not: name its config file here, or declare that it serves no other model.
    """

    by: Literal["reload"]
    base_path: str | None = BASE_PATH
    config_file: ProjectPath | None = Field(
        None, description="TensorFlow Serving's --model_config_file; other models in it stay."
    )
    alone: bool = Field(
        False, description="Whether the server serves only this model; others on it are unloaded."
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
    """Replicas of TensorFlow Serving, which poll the file of their models."""

    by: Literal["config_map"]
    key: str = Field("models.config", pattern=r"^[\w.-]+$", description="The file's name.")


class ByKServe(InKubernetes):
    """An InferenceService of KServe: each revision has a file of its own with one version."""

    by: Literal["kserve"]
    canary_percent: int = Field(10, gt=0, lt=100, description="The canary's share; KServe's own.")


class ByHand(Section):
    """No server is told: what is served is configured elsewhere."""

    by: Literal["hand"]


ExposureSettings = Annotated[ByReload | ByConfigMap | ByKServe | ByHand, Field(discriminator="by")]
