"""Only those who may ask or act can do so."""

import asyncio
import re
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient

from evergreen.dashboard.security import COOKIE, read_token
from evergreen.dashboard.server import MOST_VIEWERS
from evergreen.errors import EvergreenError
from evergreen.lineage.claims import Claims
from evergreen.lineage.records import RunRecords
from evergreen.lineage.stages import stages
from evergreen.settings.dashboard import DashboardSettings
from tests.unit.dashboard.asking import TOKEN, ask, dashboard, form, get, signed_in
from tests.unit.lineage.worlds import World


async def post(client: TestClient, path: str, data: dict[str, str], **headers: str) -> int:
    async with client.post(path, data=data, headers=headers, allow_redirects=False) as answer:
        return answer.status


def now(world: World) -> dict[int, str]:
    return {version: str(stage) for version, stage in stages(world.lineage.events()).items()}


def test_without_a_token_nothing_can_be_done(history: World) -> None:
    served = dashboard(history)
    assert [status for status, _ in get(served, "/sign-in", "/actions/promote?subject=2")] == [
        404,
        404,
    ]

    async def asks(client: TestClient) -> int:
        return await post(client, "/actions/promote", {"subject": "2", "word": ""})

    assert ask(served, asks) == 404
    assert "Promote" not in get(served, "/models/2")[0][1]


def test_a_wrong_token_a_missing_word_or_another_site_is_refused(fresh: World) -> None:
    before = now(fresh)

    async def asks(client: TestClient) -> list[int]:
        wrong = await post(client, "/sign-in", {"token": "guess"})
        unknown = await post(client, "/actions/promote", {"subject": "2", "word": "x"})
        await signed_in(client)
        known = await form(client, "/actions/promote?subject=2")
        assert known["word"]
        without = await post(client, "/actions/promote", {**known, "word": "", "reason": "x"})
        other = await post(
            client, "/actions/promote", {**known, "reason": "x"}, Origin="http://evil.example"
        )
        return [wrong, unknown, without, other]

    assert ask(dashboard(fresh, TOKEN), asks) == [403, 403, 403, 403]
    assert now(fresh) == before


def test_the_cookie_is_for_this_site_alone_and_behind_https_for_https_alone(
    history: World,
) -> None:
    async def asks(client: TestClient) -> list[str]:
        own = f"https://{client.host}:{client.port}"
        found = []
        for headers in ({}, {"X-Forwarded-Proto": "https"}, {"Origin": own}):
            post = client.post(
                "/sign-in", data={"token": TOKEN}, headers=headers, allow_redirects=False
            )
            async with post as answer:
                found.append(answer.headers["Set-Cookie"])
        return found

    cookies = ask(dashboard(history, TOKEN), asks)
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Max-Age=28800" in cookie
    assert ["Secure" in cookie for cookie in cookies] == [False, True, True]


def test_who_signs_out_has_no_session_any_more(history: World) -> None:
    served = dashboard(history, TOKEN)

    async def asks(client: TestClient) -> list[int]:
        await signed_in(client)
        known = await form(client, "/actions/promote?subject=2")
        [session] = [cookie.value for cookie in client.session.cookie_jar]
        without = await post(client, "/sign-out", {"word": "x"})
        out = await post(client, "/sign-out", {"word": known["word"]})
        assert not list(client.session.cookie_jar)
        stolen = {"Cookie": f"{COOKIE}={session}"}
        again = await post(client, "/actions/promote", {**known, "reason": "x"}, **stolen)
        return [without, out, again]

    assert ask(served, asks) == [403, 303, 403]


def test_wrong_tokens_make_the_next_try_wait(history: World) -> None:
    async def asks(client: TestClient) -> list[tuple[int, str]]:
        found = []
        for token in ("guess",) * 5 + (TOKEN,):
            async with client.post("/sign-in", data={"token": token}) as answer:
                assert ("Try again in" in await answer.text()) is ("Retry-After" in answer.headers)
                found.append((answer.status, answer.headers.get("Retry-After", "")))
        return found

    found = ask(dashboard(history, TOKEN), asks)
    assert found[:4] == [(403, ""), (403, ""), (403, ""), (403, "2")]
    assert [status for status, _ in found[4:]] == [429, 429]


CROSS = {"Sec-Fetch-Site": "cross-site"}
PORT = {"Sec-Fetch-Site": "same-site"}
LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "none", **LINK}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"}, 200),
        ({**CROSS, **LINK}, 200),
        ({**CROSS, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ({**CROSS, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403),
        ({**CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({**CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"}, 403),
        ({**PORT, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403),
        ({**PORT, **LINK}, 200),
        (CROSS, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_another_site_may_link_to_pages_and_ask_for_none(
    history: World, headers: dict[str, str], status: int
) -> None:
    async def asks(client: TestClient) -> list[tuple[int, str]]:
        found = []
        for path in ("/runs", "/static/live.js", "/style.css", "/nowhere"):
            async with client.get(path, headers=headers) as answer:
                resource = answer.headers["Cross-Origin-Resource-Policy"]
                found.append((answer.status, resource))
        return found

    found = ask(dashboard(history), asks)
    last = 404 if status == 200 else 403
    assert [path for path, _ in found] == [status] * 3 + [last]
    assert {policy for _, policy in found} == {"same-origin"}


def test_another_site_may_not_even_follow_a_link_by_a_form(fresh: World) -> None:
    async def asks(client: TestClient) -> int:
        await signed_in(client)
        known = await form(client, "/actions/promote?subject=2")
        return await post(client, "/actions/promote", {**known, "reason": "x"}, **CROSS, **LINK)

    assert ask(dashboard(fresh, TOKEN), asks) == 403
    assert now(fresh)[1] == "serving"


def test_what_came_after_the_page_is_not_rejected_unseen(fresh: World) -> None:
    fresh.registry.promote(2, "ann", "better")

    async def asks(client: TestClient) -> tuple[str, int, str]:
        await signed_in(client)
        async with client.get("/actions/rollback") as answer:
            text = await answer.text()
        known = await form(client, "/actions/rollback")
        fresh.registry.promote(3, "bob", "better still")
        data = {**known, "reason": "2 is wrong"}
        async with client.post("/actions/rollback", data=data) as answer:
            return text, answer.status, await answer.text()

    confirmed, status, told = ask(dashboard(fresh, TOKEN), asks)
    assert "version 2, which serves now, is rejected" in confirmed
    assert "evergreen rollback --to=1 --expect=2" in confirmed
    assert status == 409
    assert "somebody else has changed the registry" in told
    assert now(fresh)[3] == "serving"


def test_nobody_reads_on_for_a_viewer_that_is_gone(fresh: World) -> None:
    running = fresh.records[-1].model_copy(update={"outcome": None, "finished": None})
    RunRecords(fresh.store).update(running)
    settings = fresh.settings.model_copy(update={"dashboard": DashboardSettings(poll_seconds=0.01)})
    served = dashboard(fresh, settings=settings)
    claims = Claims(fresh.settings.pipeline.root)

    async def asks(client: TestClient) -> None:
        for _ in range(MOST_VIEWERS + 5):  # more than may look at once
            async with client.get(f"/runs/{running.run_id}/live") as answer:
                assert answer.status == 200
                assert (await answer.content.readline()).startswith(b"data: ")
                answer.close()
        while served._viewers:
            await asyncio.sleep(0.01)

    with claims.hold(running.run_id):
        ask(served, asks)


def test_names_that_others_own_are_not_answered(history: World) -> None:
    async def asks(client: TestClient) -> list[int]:
        found = []
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost", "[::1]:8520"):
            async with client.get("/runs", headers={"Host": host}) as answer:
                found.append(answer.status)
        return found

    assert ask(dashboard(history), asks) == [421, 421, 200, 200]


def test_pages_may_load_nothing_from_elsewhere_and_are_in_no_frame(history: World) -> None:
    async def asks(client: TestClient) -> list[str]:
        found = []
        for path in ("/", "/nowhere", "/static/live.js"):
            async with client.get(path) as answer:
                found.append(answer.headers["Content-Security-Policy"])
        return found

    for policy in ask(dashboard(history), asks):
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy


def test_of_two_who_promote_at_once_one_wins_and_the_other_is_told(fresh: World) -> None:
    async def asks(client: TestClient) -> tuple[int, int, str]:
        await signed_in(client)
        second = await form(client, "/actions/promote?subject=2")
        other = await form(client, "/actions/promote?subject=3")
        first = await post(client, "/actions/promote", {**second, "reason": "mine"})
        data = {**other, "reason": "mine"}
        async with client.post("/actions/promote", data=data) as answer:
            return first, answer.status, await answer.text()

    first, second, text = ask(dashboard(fresh, TOKEN), asks)
    assert (first, second) == (303, 409)
    assert "somebody else has changed the registry" in text
    assert now(fresh)[2] == "serving"
    assert now(fresh)[3] != "serving"
    assert fresh.lineage.events()[-1].why == "mine"


def test_what_the_command_refuses_is_told(fresh: World) -> None:
    path = fresh.lineage.version(2).path
    Path(path, "saved_model.pb").unlink()

    async def asks(client: TestClient) -> tuple[int, str]:
        await signed_in(client)
        data = {**await form(client, "/actions/promote?subject=2"), "reason": "x"}
        async with client.post("/actions/promote", data=data) as answer:
            return answer.status, await answer.text()

    status, text = ask(dashboard(fresh, TOKEN), asks)
    assert status == 409
    assert "its files are not at" in text
    assert now(fresh)[1] == "serving"


def test_firing_leaves_an_event_with_its_story(fresh: World) -> None:
    async def asks(client: TestClient) -> tuple[str, str]:
        await signed_in(client)
        data = {**await form(client, "/actions/fire"), "reason": "a <b>feature</b>"}
        async with client.post("/actions/fire", data=data) as answer:
            listed = await answer.text()
        [path] = set(re.findall(r'href="(/triggers/[^"]+)"', listed))
        async with client.get(path) as answer:
            return listed, await answer.text()

    listed, story = ask(dashboard(fresh, TOKEN), asks)
    assert "a &lt;b&gt;feature&lt;/b&gt;" in listed
    assert "evidence" in story or "reason" in story


def test_only_what_can_go_on_is_resumed(fresh: World) -> None:
    died = fresh.records[-1].model_copy(update={"outcome": None, "finished": None})
    RunRecords(fresh.store).update(died)
    pages = [f"/actions/resume?subject={record.run_id}" for record in (died, fresh.records[0])]
    [(asks, text), (refuses, why)] = get(dashboard(fresh, TOKEN), *pages)
    assert (asks, refuses) == (200, 404)
    assert f"evergreen resume {died.run_id}" in text
    assert "is pushed: it cannot go on" in why


@pytest.mark.parametrize("text", ["", "short"])
def test_a_token_that_can_be_guessed_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(EvergreenError, match="fewer than 16"):
        read_token(file)


def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("x" * 32)
    file.chmod(0o644)
    with pytest.raises(EvergreenError, match="others"):
        read_token(file)


def test_a_page_from_a_file_may_run_nothing(history: World) -> None:
    run = history.records[0].run_id
    file = history.settings.reports.folder / f"{run}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("<script>fetch('/sign-out', {method: 'POST'})</script>")

    async def asks(client: TestClient) -> tuple[int, str]:
        async with client.get(f"/runs/{run}/report") as answer:
            return answer.status, answer.headers["Content-Security-Policy"]

    status, policy = ask(dashboard(history), asks)
    file.unlink()
    assert status == 200
    assert "default-src 'none'" in policy
    assert "form-action 'none'" in policy
    assert "script-src" not in policy
