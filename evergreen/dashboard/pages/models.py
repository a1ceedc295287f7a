"""Model versions: all of them, one, and two side by side."""

from evergreen.dashboard.pages.page import Asked, Page
from evergreen.dashboard.world import World
from evergreen.lineage.stages import Stage
from evergreen.lineage.trees import model_tree
from evergreen.lineage.views import VersionView
from evergreen.reporting.listing import metrics_on_test
from evergreen.reporting.versions import diff
from evergreen.serving.states import look


def models(world: World, asked: Asked) -> Page:
    """Lists versions, the newest first."""
    del asked
    versions = [one for one in reversed(world.lineage.versions()) if one.stage]
    records = {one.run_id: one for one in world.lineage.runs() if one.model_version}
    metrics = {
        one.version: metrics_on_test(records[one.run_id])
        for one in versions
        if one.run_id in records
    }
    shown = {"versions": versions, "metrics": metrics, "seen": look(world.settings)}
    return Page("models", "Models", shown)


def version(world: World, asked: Asked) -> Page:
    """Shows a version: stages, metrics, and what can be done with it."""
    found = world.lineage.version(asked.number("version"))
    run_id = world.lineage.run_of(found)
    shown = {
        "version": found,
        "record": world.lineage.record(run_id) if run_id else None,
        "tree": model_tree(world.lineage, found.version),
        "others": [
            one.version
            for one in world.lineage.versions()
            if one.stage and one.version != found.version
        ],
        "can": _can(found),
    }
    return Page("version", f"Version {found.version}", shown)


def compare(world: World, asked: Asked) -> Page:
    """Shows two versions side by side."""
    model = world.settings.model.name
    found = diff(world.store, model, asked.number("one"), asked.number("other"))
    return Page("compare", f"Versions {found.one} and {found.other}", {"diff": found})


def _can(version: VersionView) -> list[str]:
    """What may be tried: the registry has the last word."""
    if version.stage in (Stage.CANDIDATE, Stage.CANARY, Stage.ARCHIVED):
        return ["promote"]
    if version.stage is Stage.REJECTED and any(one.stage is Stage.SERVING for one in version.stays):
        return ["rollback"]
    return []
