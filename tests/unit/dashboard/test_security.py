"""Who may ask, who may act, and that nobody else does."""

import re
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient

from evergreen.dashboard.security import read_token
from evergreen.errors import EvergreenError
from evergreen.lineage.records import RunRecords
from evergreen.lineage.stages import stages
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


def test_the_cookie_is_for_this_site_alone(fresh: World) -> None:
    async def asks(client: TestClient) -> str:
        data = {"token": TOKEN}
        async with client.post("/sign-in", data=data, allow_redirects=False) as answer:
            return answer.headers["Set-Cookie"]

    cookie = ask(dashboard(fresh, TOKEN), asks)
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


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
        one = await form(client, "/actions/promote?subject=2")
        other = await form(client, "/actions/promote?subject=3")
        first = await post(client, "/actions/promote", {**one, "reason": "mine"})
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
    pages = [f"/actions/resume?subject={one.run_id}" for one in (died, fresh.records[0])]
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
