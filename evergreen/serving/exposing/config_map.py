"""Exposes to replicas in Kubernetes, through the file that they poll.

A reload request would reach only one of them.
"""

from typing import Any

from google.protobuf import text_format
from kubernetes import client

from evergreen.serving.exposing.kubernetes import SECONDS, api
from evergreen.serving.exposing.others import merged, others, parse, told
from evergreen.serving.protos import ModelConfig, ModelServerConfig
from evergreen.settings.exposure import ByConfigMap

CONFLICT = 409
TRIES = 5


def write(config: ModelServerConfig, settings: ByConfigMap) -> str:
    """Writes a configuration to an existing ConfigMap; other models in it stay.

    Returns:
        A description of what was done.

    Raises:
        EvergreenError: If the cluster does not answer, or refuses.
    """
    [model] = config.model_config_list.config
    with api(settings) as cluster:
        maps = client.CoreV1Api(cluster)
        for attempt in range(1, TRIES + 1):
            try:
                rest = _merge(maps, model, settings)
                break
            except client.ApiException as error:
                if error.status != CONFLICT or attempt == TRIES:
                    raise
    return (
        f"ConfigMap {settings.namespace}/{settings.name} names what to serve; replicas follow when "
        f"they read it.{told(rest)}"
    )


def _merge(maps: Any, model: ModelConfig, settings: ByConfigMap) -> list[ModelConfig]:
    """Replaces the model's own entries. Concurrent changes fail with status 409."""
    at, where = (settings.name, settings.namespace), f"ConfigMap {settings.name}"
    found = maps.read_namespaced_config_map(*at, _request_timeout=SECONDS)
    there = parse((found.data or {}).get(settings.key, ""), where)
    rest = others(there, model, where)
    text = text_format.MessageToString(merged(model, rest))
    seen = {"resourceVersion": found.metadata.resource_version} if found.metadata else {}
    patch = {"metadata": seen, "data": {settings.key: text}}
    maps.patch_namespaced_config_map(*at, patch, _request_timeout=SECONDS)
    return rest
