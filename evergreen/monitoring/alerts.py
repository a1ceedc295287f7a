"""Sends findings that fired to a webhook, as CloudEvents or in Slack's format.

Nothing is lost while the webhook does not answer: an alert is a file before it is sent, and the
file is removed when the receiver has accepted it. Remaining alerts are sent again with the next
one. Alerts that a receiver refuses for good are put aside. A receiver may get an alert twice, with
the same `source` and `id`.
"""

import logging
import os
from pathlib import Path
from typing import Any

import orjson
import urllib3
from cloudevents.core.bindings.http import HTTPMessage, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from evergreen.files import private_folder, write_file
from evergreen.monitoring.results import MonitoringResult
from evergreen.proxies import pool, proxy_of
from evergreen.settings.monitoring import AlertSettings, MonitoringSettings

log = logging.getLogger(__name__)
ADDRESS = "EVERGREEN_ALERT_WEBHOOK"
UNDELIVERED = "undelivered"
TYPE = "io.evergreen.monitoring.fired"
REFUSED = "refused"
SHOWN = 20
"""The most findings in a message for people: Slack refuses long texts."""
LATER = {407, 408, 425, 429}
"""Statuses that ask to try again (407 is a proxy's). So do all from 500."""


class NotTakenError(Exception):
    """Raised when the webhook did not accept an alert, but may do so later."""


class RefusedError(Exception):
    """Raised when the webhook refuses an alert for good."""


def alert(settings: MonitoringSettings, result: MonitoringResult, artifact: int) -> int:
    """Sends an alert if something fired, and all alerts that are still undelivered.

    Args:
        settings: Names the webhook; without one nothing is sent.
        result: The monitoring result.
        artifact: The id of its artifact, and of the alert.

    Returns:
        The number of alerts still undelivered.
    """
    address = os.environ.get(ADDRESS) or settings.alerts.webhook
    if not address:
        return 0
    outbox = private_folder(settings.folder / UNDELIVERED)
    if result.fired:
        message = to_structured(event(result, artifact), JSONFormat())
        write_file(outbox / f"{artifact:010d}.json", message.body.decode())
    return deliver(settings.alerts, address, outbox)


def event(result: MonitoringResult, artifact: int) -> CloudEvent:
    """Returns the result as a CloudEvent."""
    findings = [finding.model_dump(mode="json") for finding in result.fired]
    return CloudEvent(
        attributes={
            "id": str(artifact),
            "source": f"/evergreen/models/{result.model}",
            "type": TYPE,
            "subject": f"versions/{result.version}",
            "time": result.created,
            "datacontenttype": "application/json",
        },
        data={
            "model": result.model,
            "version": result.version,
            "window": result.window.model_dump(mode="json"),
            "rows": result.rows,
            "labelled": result.labelled,
            "findings": findings,
        },
    )


def deliver(settings: AlertSettings, address: str, outbox: Path) -> int:
    """Sends all alerts of a folder, oldest first; returns how many are left."""
    for file in sorted(outbox.glob("*.json")):
        try:
            _send(settings, address, _body(settings, file.read_bytes()))
            file.unlink()
        except RefusedError as error:  # others may be accepted
            aside = private_folder(outbox.with_name(REFUSED)) / file.name
            file.replace(aside)
            log.warning("alert %s: %s; it is kept as %s, and not sent again. To send it once more,"
                        " move it back to %s", file.stem, error, aside, outbox)  # fmt: skip
        except NotTakenError as error:
            log.warning("alerts: %s; they wait in %s", error, outbox)
            break
    return sum(1 for _ in outbox.glob("*.json"))


def _body(settings: AlertSettings, stored: bytes) -> HTTPMessage:
    if settings.body == "cloudevents":
        return HTTPMessage({"content-type": JSONFormat().get_content_type()}, stored)
    try:
        text = _slack(orjson.loads(stored)["data"])
    except (ValueError, LookupError, TypeError) as error:
        raise RefusedError(f"it is no alert ({type(error).__name__})") from error
    return HTTPMessage({"content-type": "application/json"}, text)


def _slack(data: dict[str, Any]) -> bytes:
    """Returns the body for an incoming webhook of Slack: `text`, in Slack's markup."""
    findings = data["findings"]
    lines = [f"*{data['model']}* version {data['version']}: {len(findings)} findings fired"]
    for finding in findings[:SHOWN]:
        part = f" on {finding['slice']}" if finding["slice"] else ""
        lines.append(f"• {finding['kind']}: {finding['name']}{part}: {finding['detail']}")
    if len(findings) > SHOWN:
        lines.append(f"and {len(findings) - SHOWN} more")
    text = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return orjson.dumps({"text": text})


def _send(settings: AlertSettings, address: str, message: HTTPMessage) -> None:
    tries = Retrying(
        retry=retry_if_exception_type(NotTakenError),
        stop=stop_after_attempt(settings.attempts),
        wait=wait_exponential(settings.wait_seconds),
        reraise=True,
    )
    tries(_post, address, message, settings.timeout_seconds)


def _post(address: str, message: HTTPMessage, timeout: float) -> None:
    """Posts once. Errors do not contain the address, which may be a secret."""
    by = ""
    try:
        by = " through the proxy" if proxy_of(address) else ""
        with pool(address, retries=False, timeout=timeout) as webhook:
            # The body of the answer is not read: it may have no end.
            answer = webhook.request(
                "POST", address, body=message.body, headers=message.headers, preload_content=False
            )
            answer.close()
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise NotTakenError(f"the webhook cannot be reached{by}: {type(error).__name__}") from None
    if answer.status in LATER or answer.status >= 500:  # noqa: PLR2004 - a server's error
        raise NotTakenError(f"the webhook answers {answer.status}")
    if answer.status >= 300:  # noqa: PLR2004 - not accepted
        raise RefusedError(f"the webhook answers {answer.status}")
