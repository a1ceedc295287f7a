"""Alerts reach a webhook that is up, and wait for one that is down."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat

from evergreen.monitoring.alerts import ADDRESS, REFUSED, UNDELIVERED, alert
from evergreen.monitoring.results import Kind, MonitoringResult, TrafficFinding
from evergreen.settings.monitoring import MonitoringSettings
from tests.unit.monitoring.world import TODAY, WINDOW


class Webhook:
    """A receiver on a port of its own; it answers what it is told to."""

    def __init__(self, port: int = 0) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.asked: list[str] = []
        self.answers: list[int] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                webhook.asked.append(self.path)
                self.send_error(502)

            def do_POST(self) -> None:
                webhook.asked.append(self.path)
                body = self.rfile.read(int(self.headers["content-length"]))
                status = webhook.answers.pop(0) if webhook.answers else 200
                if status < 300:
                    webhook.got.append((dict(self.headers), body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    started = Webhook()
    yield started
    started.stop()


def settings(folder: Path, port: int, **alerts: Any) -> MonitoringSettings:
    told = {"webhook": f"http://127.0.0.1:{port}/hook", "wait_seconds": 0, "attempts": 3} | alerts
    return MonitoringSettings.model_validate({"folder": folder, "alerts": told})


def result(*, is_fired: bool = True) -> MonitoringResult:
    finding = TrafficFinding(
        kind=Kind.DRIFT, name="fare", value=0.3, threshold=0.1, fired=is_fired, detail="a < b"
    )
    return MonitoringResult(
        model="taxi", version=3, window=WINDOW, created=TODAY, rows=9, labelled=0,
        findings=(finding,),
    )  # fmt: skip


def waiting(folder: Path, where: str = UNDELIVERED) -> list[str]:
    return sorted(file.stem for file in (folder / where).glob("*"))


def test_what_fired_arrives_as_a_cloud_event(webhook: Webhook, tmp_path: Path) -> None:
    assert alert(settings(tmp_path, webhook.port), result(), 42) == 0
    [(headers, body)] = webhook.got
    event = from_structured(HTTPMessage(headers, body), JSONFormat())
    assert event.get_id() == "42"
    assert event.get_source() == "/evergreen/models/taxi"
    assert event.get_subject() == "versions/3"
    assert event.get_time() == TODAY
    [finding] = event.get_data()["findings"]
    assert (finding["kind"], finding["name"]) == ("drift", "fare")
    assert not waiting(tmp_path)


def test_what_did_not_fire_is_told_to_nobody(webhook: Webhook, tmp_path: Path) -> None:
    assert alert(settings(tmp_path, webhook.port), result(is_fired=False), 42) == 0
    assert not webhook.got


def test_slack_gets_a_text_that_is_no_markup(webhook: Webhook, tmp_path: Path) -> None:
    alert(settings(tmp_path, webhook.port, body="slack"), result(), 42)
    [(_, body)] = webhook.got
    text = json.loads(body)["text"]
    assert text.startswith("*taxi* version 3: 1 finding")
    assert "fare: a &lt; b" in text


def test_slack_gets_no_text_without_end(webhook: Webhook, tmp_path: Path) -> None:
    single = result()
    many = single.model_copy(update={"findings": single.findings * 500})
    alert(settings(tmp_path, webhook.port, body="slack"), many, 42)
    lines = json.loads(webhook.got[0][1])["text"].splitlines()
    assert (len(lines), lines[-1]) == (22, "and 480 more")


@pytest.mark.parametrize("address", ["nowhere", "http://", "http://[::1", "http://" + "a" * 70])
def test_an_address_that_is_none_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(ADDRESS, address)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert alert(settings(tmp_path, 1, attempts=1), result(), 1) == 1


def test_a_file_that_is_no_alert_is_put_aside(webhook: Webhook, tmp_path: Path) -> None:
    outbox = tmp_path / UNDELIVERED
    outbox.mkdir()
    for number, text in enumerate(["", "[]", '{"data": 7}', '{"data": {"findings": 1}}']):
        (outbox / f"{number}.json").write_text(text)
    assert alert(settings(tmp_path, webhook.port, body="slack"), result(), 42) == 0
    assert len(webhook.got) == 1
    assert waiting(tmp_path, REFUSED) == ["0", "1", "2", "3"]


def test_a_server_that_stumbles_is_asked_again(webhook: Webhook, tmp_path: Path) -> None:
    webhook.answers = [503, 429]
    assert alert(settings(tmp_path, webhook.port), result(), 42) == 0
    assert len(webhook.got) == 1


def test_what_nobody_took_is_sent_when_the_webhook_is_back(tmp_path: Path) -> None:
    down = Webhook()
    down.stop()
    assert alert(settings(tmp_path, down.port), result(), 1) == 1
    assert alert(settings(tmp_path, down.port), result(), 2) == 2
    assert waiting(tmp_path) == ["0000000001", "0000000002"]
    back = Webhook(down.port)
    assert alert(settings(tmp_path, back.port), result(is_fired=False), 3) == 0
    assert [json.loads(body)["id"] for _, body in back.got] == ["1", "2"]
    back.stop()


@pytest.mark.parametrize("status", [302, 400, 401, 404, 410])
def test_an_alert_that_is_refused_is_put_aside_and_does_not_hold_up_the_next(
    webhook: Webhook, tmp_path: Path, status: int
) -> None:
    webhook.answers = [status]
    assert alert(settings(tmp_path, webhook.port), result(), 1) == 0
    assert waiting(tmp_path, REFUSED) == ["0000000001"]
    assert alert(settings(tmp_path, webhook.port), result(), 2) == 0
    assert [json.loads(body)["id"] for _, body in webhook.got] == ["2"]
    assert len(webhook.asked) == 2
    assert waiting(tmp_path, REFUSED) == ["0000000001"]


def test_a_refused_alert_goes_out_again_if_it_is_moved_back(
    webhook: Webhook, tmp_path: Path
) -> None:
    webhook.answers = [404]
    alert(settings(tmp_path, webhook.port), result(), 1)
    aside = tmp_path / REFUSED / "0000000001.json"
    aside.rename(tmp_path / UNDELIVERED / aside.name)
    assert alert(settings(tmp_path, webhook.port), result(is_fired=False), 2) == 0
    assert [json.loads(body)["id"] for _, body in webhook.got] == ["1"]


@pytest.mark.parametrize("status", [407, 408, 425, 429, 500, 503])
def test_an_alert_that_may_be_taken_later_waits(
    webhook: Webhook, tmp_path: Path, status: int
) -> None:
    webhook.answers = [status] * 3
    assert alert(settings(tmp_path, webhook.port), result(), 1) == 1
    assert waiting(tmp_path) == ["0000000001"]
    assert not waiting(tmp_path, REFUSED)


def test_alerts_are_for_their_user_alone(webhook: Webhook, tmp_path: Path) -> None:
    webhook.answers = [503, 503, 503, 404]
    alert(settings(tmp_path, webhook.port), result(), 1)
    alert(settings(tmp_path, webhook.port), result(), 2)
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in (UNDELIVERED, REFUSED)}
    assert modes == {UNDELIVERED: 0o700, REFUSED: 0o700}


def test_a_webhook_elsewhere_is_reached_through_the_proxy(
    webhook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://jo:p%40ss@127.0.0.1:{webhook.port}")
    monkeypatch.setenv("https_proxy", f"127.0.0.1:{webhook.port}")
    elsewhere = "http://hooks.example/hook"
    assert alert(settings(tmp_path, 1, webhook=elsewhere), result(), 1) == 0
    assert webhook.asked == [elsewhere]
    [(headers, _)] = webhook.got
    assert headers["proxy-authorization"] == f"Basic {b64encode(b'jo:p@ss').decode()}"
    secure = "https://hooks.example/hook"
    assert alert(settings(tmp_path, 1, webhook=secure, attempts=1), result(), 2) == 1
    assert webhook.asked[1:] == ["hooks.example:443"]


def test_a_webhook_on_this_machine_is_asked_itself(
    webhook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody is there
    assert alert(settings(tmp_path, webhook.port), result(), 1) == 0
    assert webhook.asked == ["/hook"]


def test_a_secret_address_is_in_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    down = Webhook()
    down.stop()
    monkeypatch.setenv(ADDRESS, f"http://127.0.0.1:{down.port}/s3cret")
    assert alert(settings(tmp_path, 1, webhook=None, attempts=1), result(), 1) == 1
    assert "cannot be reached" in caplog.text
    assert "s3cret" not in caplog.text
