"""The API of Kubeflow Pipelines, through its project's own client.

Address and token come from the settings or the environment when a command runs. Refusals of the API
become errors with advice.
"""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import kfp_server_api as kfp
from urllib3.exceptions import HTTPError

from evergreen.errors import EvergreenError
from evergreen.settings.kubeflow import KubeflowSettings

ENDPOINT, TOKEN = "EVERGREEN_KUBEFLOW_ENDPOINT", "EVERGREEN_KUBEFLOW_TOKEN"
UNAUTHORIZED = 401
TEXTS = ("str", "file")
"""Types of answers that are not JSON."""
SECONDS = 30
"""The longest wait for an answer."""
HINTS = {
    400: "Compare the options with what the deployed version takes; deploy it again if it is old.",
    UNAUTHORIZED: f"Set {TOKEN} to a token that the API takes, or kubeflow.token_file.",
    403: "The token is known, but may not do that: ask for the role in the namespace "
    "kubeflow.namespace.",
    404: "See what is there: python kubeflow_runner.py status",
    409: "It exists already: see python kubeflow_runner.py status",
    413: "The file is too large for the API: launch more nodes in one container, kubeflow.groups.",
}


class KubeflowError(EvergreenError):
    """Raised when Kubeflow Pipelines did not do what was requested.

    Attributes:
        status: The status of its answer, if there was one.
    """

    def __init__(self, message: str, *, hint: str = "", status: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class _JsonClient(kfp.ApiClient):
    """The generated client, which (2.17) accepts any page as an answer without fields.

    A proxy that requires signing in answers with such a page, which would read as an empty list.
    """

    def deserialize(self, response: Any, response_type: Any) -> Any:
        if response_type not in TEXTS:
            try:
                json.loads(response.data)
            except ValueError as error:
                raise KubeflowError(
                    f"{self.configuration.host} answers with something else than Kubeflow "
                    f"Pipelines would: {str(response.data)[:80]!r}",
                    hint=f"Is it a page to sign in? {HINTS[UNAUTHORIZED]}",
                ) from error
        return super().deserialize(response, response_type)


class Api:
    """The services of the API. Every call goes through `call`."""

    def __init__(self, settings: KubeflowSettings) -> None:
        """Reads the address; the token is read for each call, since clusters rotate it.

        Raises:
            KubeflowError: If there is no endpoint.
        """
        self.endpoint = settings.endpoint or os.environ.get(ENDPOINT, "")
        if not self.endpoint.startswith(("http://", "https://")):
            raise KubeflowError(
                f"no API of Kubeflow Pipelines is known: kubeflow.endpoint = {self.endpoint!r}.",
                hint=f"Set it, or {ENDPOINT}, to http(s)://...; kubectl port-forward --namespace "
                "kubeflow service/ml-pipeline 8888 makes it http://127.0.0.1:8888",
            )
        self._settings = settings
        self._client = _JsonClient(self._configuration(settings))
        self.pipelines = kfp.PipelineServiceApi(self._client)
        self.uploads = kfp.PipelineUploadServiceApi(self._client)
        self.experiments = kfp.ExperimentServiceApi(self._client)
        self.runs = kfp.RunServiceApi(self._client)
        self.recurring = kfp.RecurringRunServiceApi(self._client)
        self._health = kfp.HealthzServiceApi(self._client)
        self._namespace = settings.namespace

    def call(self, method: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """Calls a method of a service.

        Raises:
            KubeflowError: If the API does not answer or refuses, or the token cannot be read.
        """
        self._client.configuration.api_key = _authorization(self._settings)
        try:
            return method(*arguments, _request_timeout=SECONDS, **more)
        except kfp.ApiException as error:
            raise _refused(error) from error
        except HTTPError as error:
            raise KubeflowError(
                f"{self.endpoint} does not answer: {error}",
                hint=f"See whether it is reachable from here, and compare kubeflow.endpoint or "
                f"{ENDPOINT} with it.",
            ) from error

    def all(
        self, method: Callable[..., Any], key: str, *arguments: Any, **more: Any
    ) -> Iterator[Any]:
        """Yields the items of a listing method, page by page.

        Args:
            method: The method.
            key: The field of its answer that holds the items.
            arguments: Its arguments.
            more: Its keyword arguments.
        """
        token = ""
        while True:
            page = self.call(method, *arguments, page_size=100, page_token=token, **more)
            yield from getattr(page, key) or []
            token = page.next_page_token
            if not token:
                return

    def namespace(self) -> str:
        """Returns the namespace for requests: empty, unless Kubeflow is shared by several users."""
        health = self.call(self._health.healthz_service_get_healthz)
        return self._namespace if health.multi_user else ""

    def log(self, run_id: str, pod: str) -> str:
        """Returns the log of a pod. The generated client lacks this endpoint.

        Raises:
            KubeflowError: If it cannot be read.
        """
        path = {"run_id": run_id, "node_id": pod}
        return str(
            self.call(
                self._client.call_api,
                "/apis/v1alpha1/runs/{run_id}/nodes/{node_id}/log",
                "GET",
                path,
                response_type="str",
                auth_settings=["Bearer"],
                _return_http_data_only=True,
            )
        )

    def _configuration(self, settings: KubeflowSettings) -> kfp.Configuration:
        configuration = kfp.Configuration(host=self.endpoint.rstrip("/"))
        configuration.api_key_prefix["authorization"] = "Bearer"
        if settings.ca:
            configuration.ssl_ca_cert = str(settings.ca)
        return configuration


def _authorization(settings: KubeflowSettings) -> dict[str, str]:
    """Returns the header that authenticates calls: none if there is no token."""
    if settings.token_file is None:
        token = os.environ.get(TOKEN, "")
    else:
        try:
            token = settings.token_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise KubeflowError(
                f"kubeflow.token_file: {error}", hint=f"Correct it, or set {TOKEN}."
            ) from error
    if not (token.isascii() and token.isprintable()):
        raise KubeflowError(
            "the token for Kubeflow has characters that no token has.",
            hint=f"Correct {settings.token_file or TOKEN}: one line, and nothing but the token.",
        )
    return {"authorization": token} if token else {}


def _refused(error: kfp.ApiException) -> KubeflowError:
    hint = HINTS.get(error.status, "See the log of the ml-pipeline deployment.")
    return KubeflowError(
        f"Kubeflow Pipelines refused: {error.status} {error.reason}: {_message(error.body)}",
        hint=hint,
        status=error.status,
    )


def _message(body: str | bytes | None) -> str:
    """Returns the error message in an answer; the answer itself if it is not the API's JSON."""
    try:
        return str(json.loads(body or "{}").get("message") or body)
    except ValueError:
        return str(body)
