"""Replicas in Kubernetes are told by the file that they poll.

A reload request would reach one of them only.
"""

from google.protobuf import text_format
from kubernetes import client

from evergreen.serving.exposing.kubernetes import SECONDS, api
from evergreen.serving.exposing.protos import ModelServerConfig
from evergreen.settings.exposure import ByConfigMap


def write(config: ModelServerConfig, settings: ByConfigMap) -> str:
    """Writes a configuration to a ConfigMap that is there.

    Returns:
        What was done.

    Raises:
        EvergreenError: If the cluster cannot be asked, or refuses.
    """
    text = text_format.MessageToString(config)
    with api(settings) as cluster:
        client.CoreV1Api(cluster).patch_namespaced_config_map(
            settings.name,
            settings.namespace,
            {"data": {settings.key: text}},
            _request_timeout=SECONDS,
        )
    return (
        f"ConfigMap {settings.namespace}/{settings.name} names what to serve; replicas follow when "
        "they read it."
    )
