"""Kubeflow Pipelines' API as far as the client uses it, on 127.0.0.1.

It is no Kubeflow. What it holds the client to are the OpenAPI models of `kfp-server-api`: bodies
must be of their types, without a field that they do not have; and a path must be one of theirs.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import kfp_server_api as kfp

MODELS = kfp.ApiClient()
TIME = "%Y-%m-%dT%H:%M:%SZ"
Answer = tuple[int, Any]


def parse(body: bytes, model: str) -> dict[str, Any]:
    """Reads a body as a model; refuses fields that the model does not have."""
    given = json.loads(body)
    read = MODELS.deserialize(SimpleNamespace(data=body.decode()), model)
    assert MODELS.sanitize_for_serialization(read) == given, f"not a {model}: {given}"
    return given


def fits(item: Mapping[str, Any], predicate: Mapping[str, str]) -> bool:
    """Whether an item passes a predicate of a filter; times are texts that sort as they do."""
    value = item.get(predicate["key"], "")
    if predicate["operation"] == "GREATER_THAN_EQUALS":
        return bool(value >= predicate["timestampValue"])
    assert predicate["operation"] == "EQUALS"
    return bool(value == predicate["stringValue"])


class Kind(NamedTuple):
    """A collection of the API: where it is kept here, its key in lists, its model, its ids."""

    here: str
    listed: str
    model: str
    key: str
    made: Mapping[str, str] = {}


COLLECTIONS = {
    "pipelines": Kind("pipelines", "pipelines", "V2beta1Pipeline", "pipeline_id"),
    "experiments": Kind("experiments", "experiments", "V2beta1Experiment", "experiment_id"),
    "runs": Kind("runs", "runs", "V2beta1Run", "run_id", {"state": "PENDING"}),
    "recurringruns": Kind(
        "schedules",
        "recurringRuns",
        "V2beta1RecurringRun",
        "recurring_run_id",
        {"status": "ENABLED"},
    ),
}
VERSIONS = Kind("versions", "pipeline_versions", "V2beta1PipelineVersion", "pipeline_version_id")


@dataclass
class Kubeflow:
    """What the API has.

    Attributes:
        token: What requests must have, if not empty.
        terminated: Ids of runs that were to end.
        failing: Answers to paths, instead of the real ones.
        asked: The paths of all requests.
    """

    pipelines: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    experiments: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    schedules: list[dict[str, Any]] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)
    token: str = ""
    multi_user: bool = False
    failing: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, verb: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        if path == "/healthz":
            return 200, {"multi_user": self.multi_user}
        if path == "/pipelines/upload_version":
            return self._upload(query, body)
        if found := re.fullmatch(r"/pipelines/[^/]+/versions(?:/(\S+))?", path):
            return self._collection(verb, VERSIONS, self.versions, found[1], query, body)
        if found := re.fullmatch(r"/(runs|recurringruns)/(\S+):(enable|disable|terminate)", path):
            return self._switch(*found.groups())
        if found := re.fullmatch(r"/(\w+)(?:/(\S+))?", path):
            kind = COLLECTIONS[found[1]]
            items = getattr(self, kind.here)
            return self._collection(verb, kind, items, found[2], query, body)
        return 404, {"code": 5, "message": f"no such path: {verb} {path}"}

    def _collection(
        self,
        verb: str,
        kind: "Kind",
        items: list[dict[str, Any]],
        id_: str | None,
        query: dict[str, str],
        body: bytes,
    ) -> Answer:
        if verb == "POST":
            return self._add(items, body, kind)
        if id_ is None:
            return self._list(kind.listed, items, query)
        if verb == "DELETE":
            items[:] = [item for item in items if item[kind.key] != id_]
            return 200, {}
        found = [item for item in items if item[kind.key] == id_]
        return (200, found[0]) if found else (404, {"code": 5, "message": f"{id_} not found"})

    def _list(self, key: str, items: list[dict[str, Any]], query: dict[str, str]) -> Answer:
        wanted = json.loads(query.get("filter", "{}")).get("predicates", [])
        for predicate in wanted:
            MODELS.deserialize(SimpleNamespace(data=json.dumps(predicate)), "V2beta1Predicate")
            items = [item for item in items if fits(item, predicate)]
        start = int(query.get("page_token") or 0)  # two on a page, so that there are pages
        more = {"next_page_token": str(start + 2)} if len(items) > start + 2 else {}
        return 200, {key: items[start : start + 2], **more}

    def _add(self, items: list[dict[str, Any]], body: bytes, kind: "Kind") -> Answer:
        own = {
            kind.key: f"{kind.key}-{len(items) + 1}",
            "created_at": f"{datetime.now(UTC):{TIME}}",
        }
        made = parse(body, kind.model) | own | kind.made
        items.insert(0, made)
        return 200, made

    def _upload(self, query: dict[str, str], body: bytes) -> Answer:
        number = len(self.versions) + 1
        made = {
            "pipeline_id": query["pipelineid"],
            "display_name": query["name"],
            "pipeline_version_id": f"version-{number}",
        }
        self.versions.append(made | {"body": body.decode()})
        return 200, made

    def _switch(self, of: str, id_: str, to: str) -> Answer:
        if of == "runs":
            self.terminated.append(id_)
        for schedule in self.schedules:
            if schedule["recurring_run_id"] == id_:
                schedule["status"] = f"{to.upper()}D"
        return 200, {}


@contextmanager
def serving(kubeflow: Kubeflow) -> Iterator[str]:
    """Serves the API; yields its endpoint."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            kubeflow.asked.append(url.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if kubeflow.token and self.headers["Authorization"] != f"Bearer {kubeflow.token}":
                self._send(401, {"code": 16, "message": "who are you?"})
            elif url.path.startswith("/apis/v1alpha1/"):
                self._send(200, f"log of {url.path.split('/')[-2]}\n")
            else:
                path = url.path.removeprefix("/apis/v2beta1")
                failing = kubeflow.failing.get(f"{self.command} {path}")
                self._send(*(failing or kubeflow.answer(self.command, path, query, body)))

        def _send(self, code: int, content: Any) -> None:
            data = content if isinstance(content, str) else json.dumps(content)
            self.send_response(code)
            self.send_header("Content-Length", str(len(data.encode())))
            self.end_headers()
            self.wfile.write(data.encode())

        def log_message(self, *_: object) -> None:
            """Keeps quiet."""

        do_GET = do_POST = do_DELETE = _handle  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
