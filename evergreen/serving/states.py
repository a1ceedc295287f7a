"""The running servers' reports on versions: their states, and their shares of the traffic."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson
import urllib3

from evergreen.settings import Settings

TIMEOUT = urllib3.Timeout(total=2)


@dataclass(frozen=True)
class Seen:
    """The reports of the servers.

    Attributes:
        states: The model server's states by version, with the reason of a failure; empty if it does
            not answer.
        shares: The versions' shares of the gateway's requests, 0 to 1.
        silent: The servers that did not answer, for people.
    """

    states: dict[int, str]
    shares: dict[int, float]
    silent: tuple[str, ...]


def look(settings: Settings) -> Seen:
    """Asks the model server and the gateway in the settings."""
    gateway = settings.gateway
    scheme = "https" if gateway.tls.files else "http"
    server = f"http://{gateway.backend.rest}/v1/models/{settings.model.name}"
    door = f"{scheme}://{gateway.host}:{gateway.rest_api_port}/healthz"
    with ThreadPoolExecutor(2) as pool:  # if both hang, the wait is not longer than for one
        status, state = pool.map(_get, (server, door))
    silent = {
        f"no model server answers at {gateway.backend.rest}: evergreen serve": status,
        f"no gateway answers at {gateway.host}:{gateway.rest_api_port}: evergreen gateway": state,
    }
    return Seen(
        _states(status or {}),
        _shares(_of_model(state or {}, settings.model.name)),
        tuple(text for text, answer in silent.items() if answer is None),
    )


def _get(url: str) -> dict[str, Any] | None:
    """Returns the answer with any status; None if there is none, or it is not JSON."""
    # Nothing secret is sent, and the answer is only displayed.
    with urllib3.PoolManager(retries=False, cert_reqs="CERT_NONE") as pool:
        try:
            answer = orjson.loads(pool.request("GET", url, timeout=TIMEOUT).data)
        except (urllib3.exceptions.HTTPError, orjson.JSONDecodeError):
            return None
    return answer if isinstance(answer, dict) else None


def _states(status: dict[str, Any]) -> dict[int, str]:
    return {
        int(found["version"]): _state(found["state"], found["status"])
        for found in status.get("model_version_status", ())
    }


def _state(state: str, status: dict[str, str]) -> str:
    return f"{state}: {status['error_message']}" if status["error_code"] != "OK" else state


def _of_model(state: dict[str, Any], model: str) -> dict[str, Any]:
    """Returns what a gateway says of a model; of version 0.1.0, it knows only one."""
    models = {found.get("model"): found for found in state.get("models", [state])}
    found: dict[str, Any] = models.get(model, {})
    return found


def _shares(state: dict[str, Any]) -> dict[int, float]:
    share = state.get("canary_share", 0.0)
    shares = {state.get("stable"): 1 - share, state.get("canary"): share}
    return {version: share for version, share in shares.items() if version is not None}
