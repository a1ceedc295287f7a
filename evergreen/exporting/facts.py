"""Facts about a model version for other registries: tags, parameters and metrics as short texts."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from evergreen.lineage.views import VersionView
from evergreen.runs.plan import Frozen, RunRecord
from evergreen.texts import shorten

MOST = 500
"""The longest text in characters: every release of MLflow accepts it."""
VERSION = "evergreen.version"
STAGE = "evergreen.stage"
TRAIN_KEY = "evergreen.train_key"


class Facts(Frozen):
    """Facts about one version.

    Attributes:
        text: Who registered it, and why.
        tags: Its stage, and its lineage.
        params: The inputs of its training.
        metrics: By `split/metric`.
        began: When the run that made it was planned.
        ended: When that run ended.
    """

    version: int
    text: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    began: datetime
    ended: datetime | None


def facts(version: VersionView, record: RunRecord | None, model: Mapping[str, Any]) -> Facts:
    """Returns the facts about a registered version.

    Args:
        version: The version.
        record: The run that made it, if known.
        model: The section `model` of that run's settings.
    """
    entered = version.events[0]
    results = record.results if record else None
    tags = {**dict(_registry(version)), **(dict(_lineage(record)) if record else {})}
    tags |= dict(_task(model))
    params = _params(record, model.get("hyperparameters", {})) if record else {}
    return Facts(
        version=version.version,
        text=shorten(f"{entered.who}: {entered.why}", MOST),
        tags={name: shorten(text, MOST) for name, text in tags.items()},
        params={name: shorten(text, MOST) for name, text in params.items()},
        metrics={
            f"{split}/{name}": value
            for split, values in (results.metrics if results else {}).items()
            for name, value in values.items()
            if value is not None
        },
        began=record.created if record else entered.when,
        ended=record.finished if record else entered.when,
    )


def _registry(version: VersionView) -> Iterator[tuple[str, str]]:
    yield VERSION, str(version.version)
    yield STAGE, str(version.stage)
    yield f"{STAGE}.since", version.stays[-1].event.when.isoformat()
    yield "evergreen.artifact", str(version.artifact_id)
    yield TRAIN_KEY, version.train_key
    if version.run_id:
        yield "evergreen.run", version.run_id


def _task(model: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if task := model.get("task"):
        yield "evergreen.task", task
    if classes := model.get("classes"):
        yield "evergreen.classes", json.dumps(classes, ensure_ascii=False)


def _lineage(record: RunRecord) -> Iterator[tuple[str, str]]:
    where = record.provenance
    for span in record.window:
        yield f"evergreen.span.{span.number}", f"version {span.version}, sha256 {span.sha256}"
    for name, digest in record.digests.model_dump().items():
        if digest:
            yield f"evergreen.digest.{name}", digest
    if where.commit:
        yield "evergreen.commit", where.commit + (" and changes" if where.dirty else "")
    if where.image:
        yield "evergreen.image", where.image
    if record.baseline:
        yield "evergreen.baseline", str(record.baseline.version)


def _params(record: RunRecord, hyperparameters: Mapping[str, Any]) -> dict[str, str]:
    spans = ",".join(str(span.number) for span in record.window)
    return {"spans": spans, **{name: str(value) for name, value in hyperparameters.items()}}
