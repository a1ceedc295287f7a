"""The first page: the serving version, its quality, and what needs attention."""

from collections.abc import Iterator
from dataclasses import dataclass

from evergreen.dashboard.pages.page import Asked, Page
from evergreen.dashboard.pages.triggers import is_watched, switched_on
from evergreen.dashboard.world import World
from evergreen.lineage.reader import Asked as Runs
from evergreen.lineage.stages import Stage
from evergreen.lineage.views import VersionView
from evergreen.monitoring.results import Kind, MonitoringResult, TrafficFinding
from evergreen.reporting.lists import headlines
from evergreen.runs.plan import RunRecord
from evergreen.texts import many

RECENT = 8
ENDED_BADLY = {"failed", "died", "interrupted", "data refused", "model refused", "serving refused"}


@dataclass(frozen=True)
class Attention:
    """Something that needs attention: `bad` or `warn`, a text, and a link."""

    kind: str
    text: str
    href: str


def overview(world: World, asked: Asked) -> Page:
    """Shows the overview."""
    del asked
    exposed = world.exposed()
    serving, canary = exposed.get(Stage.SERVING), exposed.get(Stage.CANARY)
    runs = world.lineage.runs(Runs(limit=RECENT))
    states = {record.run_id: world.state(record) for record in runs}
    looks = [(id_, result) for id_, result in world.monitored() if _is_of(result, serving)]
    monitored = looks[-1] if looks else None
    made = world.lineage.run_of(serving) if serving else ""
    record = world.record(made) if made else None
    shown = {
        "serving": serving,
        "canary": canary,
        "record": record,
        "metrics": headlines([record], 3),
        "monitored": monitored,
        "worst": _worst(monitored[1]) if monitored else {},
        "runs": runs,
        "states": states,
        "triggers": switched_on(world),
        "watched": is_watched(world),
        "attention": list(_attention(runs, states, monitored, serving)),
    }
    return Page("overview", "Overview", shown, live=True)


def _is_of(result: MonitoringResult, version: VersionView | None) -> bool:
    return version is not None and result.version == version.version


def _worst(result: MonitoringResult) -> dict[str, TrafficFinding | None]:
    """Returns for each kind the finding nearest to its limit, or farthest beyond it.

    None if it was not judged, which the page also says for quality and drift.
    """
    found: dict[str, TrafficFinding | None] = {}
    for kind in (Kind.PERFORMANCE, Kind.DRIFT, Kind.SKEW, Kind.PREDICTIONS, Kind.SCHEMA):
        of_kind = [finding for finding in result.findings if finding.kind is kind]
        if of_kind or kind in (Kind.PERFORMANCE, Kind.DRIFT):
            name = "quality" if kind is Kind.PERFORMANCE else kind.value
            found[name] = max(
                of_kind, key=lambda finding: (finding.fired, _share(finding)), default=None
            )
    return found


def _share(finding: TrafficFinding) -> float:
    """Returns the value as a share of its limit; 0 for quality, which also has lower limits."""
    if finding.kind is Kind.PERFORMANCE:
        return 0.0
    return finding.value / finding.threshold if finding.threshold else 0.0


def _attention(
    runs: list[RunRecord],
    states: dict[str, str],
    monitored: tuple[int, MonitoringResult] | None,
    serving: VersionView | None,
) -> Iterator[Attention]:
    if runs and serving is None:
        yield Attention("bad", "Nothing is serving.", "/models")
    if runs and states[runs[0].run_id] in ENDED_BADLY:
        newest = runs[0]
        text = f"The newest run ended as {states[newest.run_id]}: {newest.request.reason}"
        yield Attention("bad", text, f"/runs/{newest.run_id}")
    if monitored and monitored[1].fired:
        names = sorted({finding.name for finding in monitored[1].fired})
        text = f"Monitoring: {many(len(monitored[1].fired), 'finding')} fired: {', '.join(names)}"
        yield Attention("warn", text, f"/monitors/{monitored[0]}")
    if monitored and monitored[1].unjudged:
        text = f"Monitoring could not judge: {', '.join(monitored[1].unjudged)}"
        yield Attention("warn", text, f"/monitors/{monitored[0]}")
