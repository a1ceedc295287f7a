"""The API of a Kubernetes cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

from kubernetes import client, config
from urllib3.exceptions import HTTPError

from evergreen.errors import EvergreenError
from evergreen.settings.exposure import InKubernetes

SECONDS = 30


@contextmanager
def api(settings: InKubernetes) -> Iterator[client.ApiClient]:
    """Opens the cluster that a kubeconfig names, or the one that this pod runs in.

    Raises:
        EvergreenError: If there is none, or it refuses a request made in this context.
    """
    what = f"{settings.name} in namespace {settings.namespace}"
    try:
        with client.ApiClient(_configuration(settings)) as opened:
            yield opened
    except config.ConfigException as error:
        raise EvergreenError(
            f"there is no Kubernetes cluster to ask: {error}",
            hint="Name a kubeconfig file in serving.exposure.kubeconfig.",
        ) from error
    except client.ApiException as error:
        raise EvergreenError(
            f"Kubernetes refuses to change {what}: {error.status} {error.reason}",
            hint="Is it there, and may this account patch it? Then: evergreen expose",
        ) from error
    except HTTPError as error:
        raise EvergreenError(
            f"Kubernetes does not answer, to change {what}: {error}",
            hint="When it does: evergreen expose",
        ) from error


def _configuration(settings: InKubernetes) -> client.Configuration:
    found = client.Configuration()
    found.retries = 3
    if settings.kubeconfig:
        config.load_kube_config(str(settings.kubeconfig), client_configuration=found)
    else:
        config.load_config(client_configuration=found)
    return found
