"""The pages tell what there is, and what is wrong; whatever stands in it stays text."""

import asyncio
import math
import re
import shutil
import socket
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3
from aiohttp.test_utils import TestClient

from evergreen.dashboard.actions import REASON, Place
from evergreen.dashboard.pages.lineage import _without_circles as without_circles
from evergreen.dashboard.pages.monitors import _series
from evergreen.dashboard.pages.overview import _attention
from evergreen.dashboard.pages.page import Route
from evergreen.dashboard.routes import PAGES
from evergreen.dashboard.server import Dashboard, UseCase
from evergreen.dashboard.world import Reader, UnavailableError
from evergreen.launch import options
from evergreen.lineage.nodes import mark_running
from evergreen.lineage.records import RunRecords
from evergreen.monitoring.results import Kind, MonitoringResult, TrafficFinding, Window, publish
from evergreen.reporting.lists import metrics_on_test
from evergreen.runs.plan import Outcome, Request
from evergreen.serving import states
from evergreen.settings import Settings, load_settings
from tests.project import ROOT, places
from tests.unit.dashboard.asking import TOKEN, ask, dashboard, form, get, place_of, signed_in
from tests.unit.lineage.worlds import World

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>../../etc/passwd \u202e\x1b[31m"


def test_every_page_tells_its_part(history: World) -> None:
    run = history.records[3].run_id
    paths = {
        "/": "version 1",
        "/runs": run,
        f"/runs/{run}": "Trainer",
        "/models": "canary",
        "/models/2": "History",
        "/models/compare?one=1&other=2": "Versions 1 and 2",
        "/data": "curated schema",
        "/monitors": "not been monitored",
        "/triggers": "manual",
        "/lineage": "version 12",
        "/lineage/models/2": "TransformGraph",
        "/lineage/spans/3": "span 3",
    }
    for (path, word), (status, text) in zip(
        paths.items(), get(dashboard(history), *paths), strict=True
    ):
        assert status == 200, (path, text)
        assert word in text, path


def test_the_graph_leads_from_a_model_to_its_examples_and_on(history: World) -> None:
    model = history.made(2, "Trainer", "model")
    [(_, near), (_, far)] = get(
        dashboard(history), f"/lineage/artifacts/{model}", f"/lineage/artifacts/{model}?hops=4"
    )
    graph = history.made(2, "Transform", "transform_graph")
    assert f'href="/lineage/artifacts/{graph}"' in near
    assert f'href="/runs/{history.records[2].run_id}"' in near
    assert f"Artifact {model}" in far


def test_no_box_of_many_leads_back_to_itself() -> None:
    made, read = [("Trainer", "Models"), ("Evaluator", "Report")], [("Models", "Evaluator")]
    kept = without_circles([*made, *read, ("Report", "Trainer"), ("Models", "Models")])
    assert kept == {*made, *read}


def test_a_refused_run_says_why_and_leads_to_what_it_made(history: World) -> None:
    refused = next(record for record in history.records if record.outcome is Outcome.MODEL_REFUSED)
    [(_, text)] = get(dashboard(history), f"/runs/{refused.run_id}")
    assert "Refused by the model gate" in text
    run = history.lineage.run(refused.run_id)
    for artifact in run.artifacts.values():
        if artifact.name.startswith(f"{refused.run_id}."):
            assert f'href="/lineage/artifacts/{artifact.id}"' in text
    assert refused.provenance.commit in text


def test_what_a_dead_process_worked_on_is_cut_off(fresh: World) -> None:
    record = fresh.records[-1].model_copy(update={"outcome": None, "finished": None})
    RunRecords(fresh.store).update(record)
    mark_running(fresh.store, fresh.lineage.run(record.run_id).nodes[-1].node.execution_id)
    [(_, text)] = get(dashboard(fresh), f"/runs/{record.run_id}")
    assert "died" in text
    assert "■ cut off" in text
    assert "… running" not in text


def test_lineage_in_words_leads_on(history: World) -> None:
    [(_, up), (_, down)] = get(dashboard(history), "/lineage/models/2", "/lineage/spans/3")
    assert 'href="/lineage/spans/1"' in up
    assert 'href="/lineage/models/3"' in down
    assert f'href="/lineage/artifacts/{history.records[2].pins.examples[-1]}"' in down


def test_a_page_that_cannot_be_made_is_told(
    history: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(PAGES, "/monitors", Route(fails))
    [(status, text)] = get(dashboard(history), "/monitors")
    assert status == 500
    assert "could not be made" in text
    assert "Traceback" not in text


def test_runs_are_filtered_sorted_and_paged(history: World) -> None:
    refused = [
        record.run_id for record in history.records if record.outcome is Outcome.MODEL_REFUSED
    ]
    [(_, outcome), (_, by_auc), (_, nobody), (_, second)] = get(
        dashboard(history),
        "/runs?outcome=model+refused",
        "/runs?sort=auc",
        "/runs?by=nobody",
        "/runs?page=2",
    )
    for record in history.records:
        assert (f">{record.run_id}<" in outcome) == (record.run_id in refused)
    shown = sorted(history.records, key=lambda record: by_auc.index(record.run_id))
    values = [metrics_on_test(record).get("auc") or 0.0 for record in shown]
    assert values == sorted(values, reverse=True)
    assert "No run matches" in nobody
    assert 'rel="prev"' in second


@pytest.mark.parametrize(
    "path",
    [
        "/runs/nothing",
        "/models/99",
        "/models/x",
        "/lineage/artifacts/999999",
        "/lineage/spans/99",
        "/data/spans/7",
        "/triggers/nothing",
        "/monitors/5",
        "/runs/nothing/report",
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/nowhere",
        "/actions/promote",
    ],
)
def test_what_is_not_there_is_said_so(history: World, path: str) -> None:
    [(status, text)] = get(dashboard(history), path)
    assert status == 404
    assert "Traceback" not in text
    assert "import asyncio" not in text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/models/compare?one=1&other=../2", "other: &#39;../2&#39; is no number"),
        ("/data/statistics?one=../../x&other=1", "one: "),
        ("/runs?outcome=x%27%22)));UPDATE", "outcome: there is no outcome"),
        ("/runs?outcome=pushd", "did you mean &#39;pushed&#39;"),
        ("/runs?page=1&page=2", "page is given twice"),
        ("/runs?sort=no_such", "no run has that"),
        ("/runs?sort=%3Cb%3E", "is nothing to sort by"),
        ("/runs?by=%00", "by: "),
        ("/models?page=-1", "page: "),
        ("/lineage/models/1?hops=x", "hops: "),
        ("/lineage/models/1?version=2", "cannot be asked here"),
        ("/?x=1", "There are: none"),
        ("/runs/x/live?x=1", "There are: none"),
    ],
)
def test_what_is_none_of_its_kind_is_refused_in_words(history: World, path: str, said: str) -> None:
    [(status, text)] = get(dashboard(history), path)
    assert (status, said in text) == (400, True), text


def test_hostile_names_stay_text(fresh: World) -> None:
    records = RunRecords(fresh.store)
    newest = fresh.records[-1]
    hostile = newest.model_copy(
        update={
            "run_id": "20300101-000000-000000",
            "request": Request(spans="1", requested_by=HOSTILE, reason=HOSTILE + "x" * 100_000),
        }
    )
    records.create(hostile)
    fresh.registry.promote(3, HOSTILE, HOSTILE, {HOSTILE: HOSTILE})
    pages = get(
        dashboard(fresh), "/", "/runs", f"/runs/{hostile.run_id}", "/models", "/models/3",
        "/lineage/models/3", f"/runs?by={HOSTILE}", f"/triggers/{HOSTILE[:20]}".replace("/", "-"),
    )  # fmt: skip
    for status, text in pages:
        assert status in (200, 400, 404)
        assert "<script>alert" not in text
        assert "<img" not in text
        assert len(text) < 300_000
    assert "&lt;script&gt;" in pages[1][1]


def test_a_project_without_runs_says_how_to_begin(tmp_path: Path) -> None:
    world = World.make(tmp_path, 0)
    for path, (status, text) in zip(
        [
            path
            for path in PAGES
            if "{" not in path and "?" not in path and path != "/models/compare"
        ],
        get(dashboard(world), "/", "/runs", "/models", "/data", "/monitors", "/triggers"),
        strict=False,
    ):
        assert status == 200, path
        assert "Traceback" not in text


def test_a_damaged_store_is_told_and_the_page_comes_back_with_it(tmp_path: Path) -> None:
    file = tmp_path / "metadata.sqlite"
    file.write_text("not a database, but long enough to be taken for one" * 100)
    settings = load_settings(ROOT, overrides=[*places(tmp_path), f"metadata.sqlite={file}"])
    world = World(settings, None, [])
    served = dashboard(world)
    [(status, text), (styled, _)] = get(served, "/", "/style.css")
    assert (status, styled) == (503, 200)
    assert "metadata.sqlite" in text
    assert "Next:" in text
    file.unlink()
    [(status, _)] = get(served, "/")
    assert status == 200


def test_who_writes_keeps_nobody_from_reading(fresh: World) -> None:
    served = dashboard(fresh)
    writer = sqlite3.connect(fresh.settings.metadata.sqlite)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        [(status, text)] = get(served, "/runs")
    finally:
        writer.rollback()
        writer.close()
    assert status == 200
    assert fresh.records[-1].run_id in text


def test_a_model_server_that_hangs_keeps_other_pages_from_nothing(
    history: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "TIMEOUT", urllib3.Timeout(None))

    async def asks(client: TestClient) -> tuple[bool, str]:
        asked, let_go = asyncio.Event(), asyncio.Event()

        async def hangs(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.set()
            await let_go.wait()
            writer.close()

        hanging = await asyncio.start_server(hangs, sock=listening)
        overview = asyncio.create_task(client.get("/"))
        await asked.wait()
        async with client.get("/runs") as answer:
            assert answer.status == 200
        waits = not overview.done()
        let_go.set()
        async with await overview as answer:
            text = await answer.text()
        hanging.close()
        return waits, text

    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = "{}:{}".format(*listening.getsockname())
        served = dashboard(history, settings=_with_server(history, address))
        waits, text = ask(served, asks)
    assert waits
    assert "no model server answers at" in text


def _with_server(world: World, address: str) -> Settings:
    gateway = world.settings.gateway
    backend = gateway.backend.model_copy(update={"rest": address})
    return world.settings.model_copy(
        update={"gateway": gateway.model_copy(update={"backend": backend})}
    )


def test_files_that_cannot_be_read_hide_nothing_else(fresh: World) -> None:
    for artifact in fresh.store.get_artifacts():
        if "Blessing" in artifact.type:
            Path(artifact.uri, "report.json").write_text("no JSON")
    run = fresh.records[-1].run_id
    [(status, text)] = get(dashboard(fresh), f"/runs/{run}")
    assert status == 200
    assert "What the gates said cannot be shown: " in text
    assert "report.json cannot be read" in text
    assert "Trainer" in text
    assert fresh.records[-1].run_key in text


def test_a_store_that_does_not_answer_is_not_waited_for(history: World) -> None:
    served, free = dashboard(history), threading.Event()
    reader = Reader(history.settings, seconds=0.2)
    vars(served._use_cases[""])["reader"] = reader

    def hang(world: object) -> None:
        free.wait()

    async def asks(client: TestClient) -> tuple[int, str]:
        hanging = asyncio.ensure_future(reader.read(hang))
        async with client.get("/runs") as answer:
            found = answer.status, await answer.text()
        with pytest.raises(UnavailableError):
            await hanging
        free.set()
        return found

    status, text = ask(served, asks)
    assert status == 503
    assert "the metadata store has not answered within 0.2 s" in text


def test_measures_without_a_value_are_drawn_and_named() -> None:
    window = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC))
    found = [
        TrafficFinding(kind=Kind.DRIFT, name="fare", value=value, threshold=0.1, fired=value > 1)
        for value in (0.05, math.inf, math.nan)
    ]
    looks = [
        MonitoringResult(
            model="taxi", version=1, window=window, created=window.end, rows=1, labelled=0,
            findings=(finding,), unjudged=("auc",),
        )
        for finding in found
    ]  # fmt: skip
    [series] = _series(looks, Kind.DRIFT)
    assert re.fullmatch(r"[\d., ]+", series.points)
    attention = list(_attention([], {}, (7, looks[0]), None))
    assert [notice.text for notice in attention] == ["Monitoring could not judge: auc"]


def test_a_value_that_is_not_surely_beyond_its_limit_is_marked_so(fresh: World) -> None:
    window = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC))
    finding = TrafficFinding(
        kind=Kind.PREDICTIONS, name="scores", value=0.12, threshold=0.1, fired=False,
        interval=(0.08, 0.16), rows=300,
    )  # fmt: skip
    model = fresh.settings.model.name
    looked = MonitoringResult(
        model=model, version=1, window=window, created=window.end, rows=300, labelled=0,
        findings=(finding,),
    )  # fmt: skip
    number = publish(fresh.store, looked, fresh.settings.monitoring.folder)
    for status, text in get(dashboard(fresh), "/", "/monitors", f"/monitors/{number}"):
        assert status == 200
        said = re.sub(r"\s+", " ", re.sub(r"<.*?>", " ", text))
        assert re.search(r"unsure .*0\.1200 \(?0\.0800 to 0\.1600", said)
        assert "quiet scores" not in said


@pytest.fixture(scope="module")
def beside(history: World) -> Dashboard:
    """A dashboard of the taxi with its history and, in the same store, of flights without one."""
    folder = history.settings.reports.folder.parent
    shutil.copytree(ROOT / "configs", folder / "project/configs")
    (folder / "project/models/flights").mkdir(parents=True)
    own = (
        "data: {key: flight_id, timestamp: departure}",
        "model: {label: late}",
        "gates: {model: {bounds: [{metric: auc, at_least: 0.6}]}}",
    )
    (folder / "project/configs/flights.yaml").write_text("\n".join(own))
    shared = (f"root={folder}", f"metadata.sqlite={history.settings.metadata.sqlite}")
    flights = load_settings(folder / "project", overrides=shared, use_case="flights")
    place = Place(tuple(options(folder / "project", "flights", ["local"], shared)))
    return Dashboard([UseCase(history.settings, place_of(history)), UseCase(flights, place)], TOKEN)


def test_each_use_case_has_its_own_pages(history: World, beside: Dashboard) -> None:
    run = history.records[3].run_id
    below = "/use-cases/flights"
    artifact = history.made(2, "Trainer", "model")
    answers = get(
        beside, "/", "/runs", below, f"{below}/runs", f"{below}/models", f"{below}/lineage",
        f"{below}/runs/{run}", f"{below}/lineage/artifacts/{artifact}", f"{below}/models/2",
        f"{below}/actions/resume?subject={run}", "/use-cases/nobody/",
    )  # fmt: skip
    texts = [text for status, text in answers[:6] if status == 200]
    assert len(texts) == 6
    assert "version 1" in texts[0]
    assert run in texts[1]
    for text in texts[2:]:
        assert run not in text
        leads = set(re.findall(r'(?:href|action)="(/[^"]*)"', text))
        elsewhere = {lead for lead in leads if not lead.startswith(f"{below}/")}
        assert elsewhere <= {"/", "/runs", "/models", "/lineage", "/style.css", "/sign-in"}
    assert "Nothing is serving yet" in texts[2]
    assert "evergreen run -u flights" in texts[2]
    assert 'href="/runs">taxi' in texts[3]
    assert [status for status, _ in answers[6:]] == [404] * 5
    assert f"run {run} is of taxi, and not of flights" in answers[6][1]


def test_a_session_acts_on_the_use_case_that_is_shown(beside: Dashboard) -> None:
    async def asks(client: TestClient) -> tuple[int, str, str]:
        await signed_in(client)
        async with client.get("/use-cases/flights/actions/fire") as answer:
            [action] = re.findall(r'method="post" action="(/use[^"]+)"', await answer.text())
        fields = await form(client, action)
        async with client.post(action, data=fields, allow_redirects=False) as answer:
            status, to = answer.status, answer.headers.get("Location", "")
        async with client.get("/triggers") as other, client.get(to) as own:
            return status, await other.text(), await own.text()

    status, other, own = ask(beside, asks)
    assert status == 303
    assert "by hand" not in other
    assert REASON in own
