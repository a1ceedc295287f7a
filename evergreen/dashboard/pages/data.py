"""Data pages: spans with their verdicts, the schema, and a comparison of statistics."""

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.dashboard.pages.page import LIVE, Asked, NotFoundError, Page
from evergreen.dashboard.world import World
from evergreen.lineage.artifacts import data_verdicts
from evergreen.lineage.filters import Filter
from evergreen.lineage.run_artifacts import load_report
from evergreen.monitoring.results import result_folder
from evergreen.quality.artifacts import load_statistics
from evergreen.quality.statistics import Feature, features
from evergreen.reporting.charts import canvas
from evergreen.reporting.data import SPLIT, Distribution, distribution
from evergreen.reporting.gaps import Gaps
from evergreen.runs.reports.data import DataReport


def data(world: World, asked: Asked) -> Page:
    """Lists spans with the newest verdict of the data gate on each."""
    del asked
    verdicts, gaps = _verdicts(world), Gaps()
    reports = {
        span: gaps.fill(f"Span {span}", partial(load_report, Path(verdict.uri), DataReport), None)
        for span, verdict in verdicts.items()
    }
    schema = world.settings.data.table_schema
    shown = {
        "verdicts": verdicts,
        "reports": reports,
        "sides": [str(span) for span in verdicts] + ([LIVE] if _live(world) else []),
        "schema": schema.read_text() if schema.is_file() else "",
        "schema_name": schema.name,
        "gaps": gaps.said,
    }
    return Page("data", "Data", shown)


def span(world: World, asked: Asked) -> Page:
    """Shows the data gate's report on a span."""
    number = asked.number("span")
    found = _verdicts(world).get(number)
    report = load_report(Path(found.uri), DataReport) if found else None
    if report is None:
        raise NotFoundError(f"span {number}: no data gate has seen it, or its files are gone.")
    return Page("span", f"Span {number}", {"number": number, "report": report})


def statistics(world: World, asked: Asked) -> Page:
    """Shows the features of two spans, or of a span and of live traffic, side by side."""
    names = asked.text("one"), asked.text("other")
    left, right = (_folder(world, name) for name in names)
    shown = {
        "one": _title(names[0]),
        "other": _title(names[1]),
        "keys": canvas.keys(
            [(canvas.CANDIDATE, _title(names[0])), (canvas.BASELINE, _title(names[1]))]
        ),
        "distributions": _side_by_side(left, right, world.settings.data.timestamp),
    }
    return Page("statistics", f"{_title(names[0])} and {_title(names[1])}", shown)


def _title(name: str) -> str:
    return "live traffic" if name == LIVE else f"span {name}"


@lru_cache(maxsize=32)
def _side_by_side(
    left: tuple[Path, str], right: tuple[Path, str], timestamp: str | None
) -> tuple[Distribution, ...]:
    """Draws every feature; cached, since artifacts do not change."""
    first, second = (_features(*side) for side in (left, right))
    drawn = (distribution(value, second.get(name), timestamp) for name, value in first.items())
    return tuple(sorted(drawn, key=lambda feature: feature.chart is None))


def _features(folder: Path, split: str) -> Mapping[str, Feature]:
    found = load_statistics(folder, split)
    if found is None:
        raise NotFoundError(f"statistics: the files in {folder} are gone.", hint="evergreen doctor")
    return features(found)


def _folder(world: World, name: str) -> tuple[Path, str]:
    """Returns the folder of a side's statistics, and the name of the split."""
    if name == LIVE and (live := _live(world)):
        return live, LIVE
    found = _verdicts(world).get(int(name)) if name.isascii() and name.isdigit() else None
    if found is None:
        raise NotFoundError(
            f"{name[:60]}: neither an ingested span nor `live`.", hint="See the page Data."
        )
    id_ = found.custom_properties["statistics_id"].int_value
    [artifact] = world.store.get_artifacts_by_id([id_])
    return Path(artifact.uri), SPLIT


def _live(world: World) -> Path | None:
    """Returns the folder of the newest statistics of live traffic."""
    folders = (result_folder(world.settings, result) for _, result in reversed(world.monitored()))
    return next((folder for folder in folders if (folder / f"Split-{LIVE}").is_dir()), None)


def _verdicts(world: World) -> dict[int, mlmd.Artifact]:
    """Returns the newest verdict on each span, by its number."""
    wanted = data_verdicts() & Filter.has("series", world.settings.data_series)
    found = sorted(world.store.get_artifacts(wanted.options()), key=lambda a: a.id)
    by_span = {int(artifact.custom_properties["span"].int_value): artifact for artifact in found}
    return dict(sorted(by_span.items()))
