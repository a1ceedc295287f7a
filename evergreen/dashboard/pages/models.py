"""Model pages: all versions, one version, and a comparison of two."""

from evergreen.dashboard.pages.page import Asked, Page
from evergreen.dashboard.world import World
from evergreen.lineage.stages import Stage, stages
from evergreen.lineage.views import VersionView
from evergreen.reporting.lists import headlines, metrics_on_test
from evergreen.reporting.versions import diff
from evergreen.runs.plan import RunRecord

A_PAGE = 50


def models(world: World, asked: Asked) -> Page:
    """Lists versions, newest first."""
    number = asked.number("page", 1) or 1
    versions = [version for version in reversed(world.lineage.versions()) if version.stage]
    shown = versions[(number - 1) * A_PAGE : number * A_PAGE]
    records = {version.version: _record(world, version) for version in shown}
    values = {
        "versions": shown,
        "names": headlines(records.values(), 2),
        "metrics": {
            number: metrics_on_test(record) for number, record in records.items() if record
        },
        "page": number,
        "has_more": len(versions) > number * A_PAGE,
    }
    return Page("models", "Models", values, live=True)


def _record(world: World, version: VersionView) -> RunRecord | None:
    return world.record(version.run_id) if version.run_id else None


def version(world: World, asked: Asked) -> Page:
    """Shows a version: its stages, its metrics and the possible actions."""
    found = world.lineage.version(asked.number("version"))
    run_id = world.lineage.run_of(found)
    serving = next((v for v, s in stages(world.lineage.events()).items() if s is Stage.SERVING), 0)
    shown = {
        "version": found,
        "files": found.folder(world.settings.serving.base_path) if found.path else "",
        "record": world.record(run_id) if run_id else None,
        "serving": serving if serving != found.version else 0,
        "can": _can(found),
    }
    return Page("version", f"Version {found.version}", shown)


def compare(world: World, asked: Asked) -> Page:
    """Shows two versions side by side."""
    found = diff(world.settings, world.store, asked.number("one"), asked.number("other"))
    return Page("compare", f"Versions {found.one} and {found.other}", {"diff": found})


def _can(version: VersionView) -> list[str]:
    """Returns the actions to offer; the registry has the last word."""
    if version.stage in (Stage.CANDIDATE, Stage.CANARY, Stage.ARCHIVED):
        return ["promote"]
    if version.stage is Stage.REJECTED and any(
        stay.stage is Stage.SERVING for stay in version.stays
    ):
        return ["rollback"]
    return []
