"""Exposes to KServe, through its InferenceService in Knative mode.

Knative splits traffic between revisions, and a revision is defined by its template. So each version
has its own file in the folder of the versions, and the template names the file: another file name
makes a new revision, while the old revision keeps serving its version.
"""

from pathlib import Path
from typing import Any

from google.protobuf import text_format
from kubernetes import client

from evergreen.errors import EvergreenError
from evergreen.files import write_file
from evergreen.serving.exposing.kubernetes import SECONDS, api
from evergreen.serving.protos import ModelConfig, ModelServerConfig
from evergreen.settings.exposure import ByKServe

GROUP, VERSION, PLURAL = "serving.kserve.io", "v1beta1", "inferenceservices"
FOLDER = "configs"
"""Beside the versions; model servers only read folders whose names are numbers."""
CANARY, SERVING = "canary", "serving"


def patch(config: ModelServerConfig, settings: ByKServe, base_path: Path) -> str:
    """Makes an existing InferenceService serve the canary with its share, or the serving version.

    Args:
        config: One model, with labels.
        settings: The InferenceService.
        base_path: The folder of the versions on this machine.

    Returns:
        A description of what was done.

    Raises:
        EvergreenError: If the cluster does not answer, or refuses.
    """
    [model] = config.model_config_list.config
    labels = dict(model.version_labels)
    is_canary = {CANARY, SERVING} <= labels.keys()
    version = labels[CANARY] if CANARY in labels else labels[SERVING]
    file = f"{FOLDER}/{version}.config"
    write_file(base_path / file, text_format.MessageToString(_alone(model, version)))
    percent = settings.canary_percent if is_canary else None
    at = GROUP, VERSION, settings.namespace, PLURAL, settings.name
    with api(settings) as cluster:
        services = client.CustomObjectsApi(cluster)
        found = services.get_namespaced_custom_object(*at, _request_timeout=SECONDS)
        _check_owner(found, model, settings)
        services.patch_namespaced_custom_object(
            *at,
            _predictor(f"{model.base_path}/{file}", percent),
            _request_timeout=SECONDS,
        )
    share = f"{percent} % of the requests" if percent else "all requests"
    return f"InferenceService {settings.namespace}/{settings.name}: version {version} gets {share}."


def _check_owner(service: Any, model: ModelConfig, settings: ByKServe) -> None:
    """Raises EvergreenError if an InferenceService serves another project's model."""
    predictor = service.get("spec", {}).get("predictor", {}).get("model", {})
    own = f"--model_config_file={model.base_path}/{FOLDER}/"
    if foreign := [arg for arg in predictor.get("args", ()) if not arg.startswith(own)]:
        raise EvergreenError(
            f"InferenceService {settings.namespace}/{settings.name} serves {' '.join(foreign)}, "
            f"and not a file of {model.base_path}: it is not this project's. Nothing was changed.",
            hint="Name this project's own in serving.exposure.name.",
        )


def _alone(model: ModelConfig, version: int) -> ModelServerConfig:
    config = ModelServerConfig()
    entry = config.model_config_list.config.add(
        name=model.name, base_path=model.base_path, model_platform=model.model_platform
    )
    entry.model_version_policy.specific.versions.append(version)
    return config


def _predictor(file: str, percent: int | None) -> dict[str, Any]:
    """Returns a merge patch, in which None removes a value."""
    model = {"args": [f"--model_config_file={file}"]}
    return {"spec": {"predictor": {"canaryTrafficPercent": percent, "model": model}}}
