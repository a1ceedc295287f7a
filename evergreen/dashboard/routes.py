"""The routes of a use case's pages, and what a request for them asks."""

from collections.abc import Mapping

from aiohttp import web

from evergreen.dashboard import actions
from evergreen.dashboard.pages import data, lineage, models, monitors, overview, runs, triggers
from evergreen.dashboard.pages.page import (
    Asked,
    Kind,
    NotFoundError,
    Route,
    WrongError,
    measure,
    name,
    number,
    outcome,
    parse,
    side,
    words,
)

RUN: dict[str, Kind] = {"run": name}
RESULT: dict[str, Kind] = {"result": number}
FILTERS: dict[str, Kind] = {
    "outcome": outcome, "by": words, "span": number, "sort": measure, "page": number
}  # fmt: skip
PAGES: dict[str, Route] = {
    "/": Route(overview.overview),
    "/runs": Route(runs.runs, FILTERS),
    "/runs/{run}": Route(runs.run, RUN),
    "/models": Route(models.models, {"page": number}),
    "/models/compare": Route(models.compare, {"one": number, "other": number}),
    "/models/{version}": Route(models.version, {"version": number}),
    "/data": Route(data.data),
    "/data/statistics": Route(data.statistics, {"one": side, "other": side}),
    "/data/spans/{span}": Route(data.span, {"span": number}),
    "/monitors": Route(monitors.monitors),
    "/monitors/{result}": Route(monitors.result, RESULT),
    "/triggers": Route(triggers.triggers),
    "/triggers/{id}": Route(triggers.explain, {"id": name}),
    "/lineage": Route(lineage.lineage),
    "/lineage/models/{version}": Route(lineage.model, {"version": number, "hops": number}),
    "/lineage/spans/{span}": Route(lineage.span, {"span": number, "hops": number}),
    "/lineage/artifacts/{artifact}": Route(lineage.artifact, {"artifact": number, "hops": number}),
}
"""The route of each path below a use case's root; other paths are files, actions or a 404."""
CONFIRM = Route(actions.confirm, {"action": name, "subject": name})
FORM: dict[str, Kind] = {
    **CONFIRM.takes, "word": words, "seen": number, "reason": words, "token": words
}  # fmt: skip


def asked_of(request: web.Request, takes: Mapping[str, Kind]) -> Asked:
    """Parses the parameters of a page; a part of the path with the wrong form is a 404."""
    parts = dict(request.match_info)
    try:
        in_path = parse(takes, parts.items())
    except WrongError as error:
        raise NotFoundError(str(error), hint=error.hint) from error
    left = {name: kind for name, kind in takes.items() if name not in parts}
    return Asked({**parse(left, request.query.items()).values, **in_path.values})


def section(path: str) -> str:
    """Returns the path of the section of a use case's page; `/` if it is in none."""
    section = f"/{path[1:].partition('/')[0]}"
    return section if section in PAGES else "/"
