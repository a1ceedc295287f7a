"""Resumes a run that failed, was killed or interrupted, with the same inputs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError, SettingsError, or_meant
from evergreen.exit_codes import ExitCode
from evergreen.lineage.artifacts import all_usable
from evergreen.lineage.reader import Lineage
from evergreen.lineage.records import RunRecords
from evergreen.lineage.store import parse
from evergreen.lineage.views import RunView
from evergreen.planning.planner import Planner
from evergreen.runs.plan import TRAIN, Digests, RunRecord
from evergreen.settings import Settings

SPANS = "spans are ingested again, and all that follows"
TRANSFORM = "Transform and all after it are executed again; ingested spans are reused"
TRAINER = "Trainer and all after it are executed; Transform and ingested spans are reused"
CHANGES = {
    "table_schema": ("the schema", SPANS),
    "ingestion": ("the code that ingests", SPANS),
    "lock": ("the packages", TRANSFORM),
    "platform": ("Evergreen's code", TRANSFORM),
    "use_case": ("the code of the use case", TRANSFORM),
    "definition": ("the definition of the pipeline", TRAINER),
    "settings": ("the trainer's code or files", TRAINER),
}
"""Digests: what they are of, and what a change makes necessary; the most comes first."""


class CannotGoOnError(EvergreenError):
    """Raised when the run has ended, or cannot be resumed from here."""

    exit_code = ExitCode.WRONG


def settings_of(settings: Settings, store: MetadataStore, run_id: str) -> Settings:
    """Returns the settings of a run, with the present place of its metadata.

    Raises:
        EvergreenError: If there is no such run, or another version wrote its settings.
    """
    records = RunRecords(store)
    values = json.dumps(records.settings(records.get(run_id)))
    kept = parse(Settings, values, f"what was kept of the settings of run {run_id}")
    return kept.model_copy(update={"metadata": settings.metadata})


def check_overrides(overrides: Sequence[str], now: Settings, kept: Settings) -> None:
    """Checks that overrides agree with the settings of a resumed run.

    Args:
        overrides: `section.key=value` pairs; those of `metadata` may differ.
        now: The settings with the overrides.
        kept: The settings of the run.

    Raises:
        SettingsError: If an override differs.
    """
    for pair in overrides:
        keys = pair.partition("=")[0].strip().split(".")
        asked, planned = (
            _at(settings.model_dump(mode="json", by_alias=True), keys) for settings in (now, kept)
        )
        if keys[0] != "metadata" and asked != planned:
            raise SettingsError(
                f"--set {pair}: a run goes on with what it was planned with: {planned}.",
                hint=f"Leave it away, or start a new run: evergreen run --set {pair}",
            )


def _at(values: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def reopen(settings: Settings, store: MetadataStore, run_id: str, rerun_from: str) -> RunRecord:
    """Records that a run is resumed; if its code has changed, it is planned again.

    Args:
        settings: The settings of the run.
        store: The metadata store.
        run_id: The run.
        rerun_from: The node from which everything is executed again; may be empty.

    Raises:
        CannotGoOnError: If it has ended, or does not have the node.
        SettingsError: If its code has changed, and is incomplete.
    """
    records = RunRecords(store)
    record = records.get(run_id)
    if not record.can_go_on and not rerun_from:
        raise CannotGoOnError(
            f"run {run_id} has ended: {record.outcome}.",
            hint="Execute a part of it again: evergreen resume RUN --from NODE. Or start a new "
            "one: evergreen run",
        )
    record = Planner(settings, store).again(record)
    _check_inputs(store, record)
    if rerun_from:
        run = Lineage(store, settings.model.name).run(run_id)
        _check_not_pushed(settings, store, record)
        record = record.anew(_parts_with(run, rerun_from), rerun_from)
    record = record.taken_up()
    records.update(record)
    return record


def what_changed(before: Digests, now: Digests) -> str:
    """Returns in words what of the code has changed, and what is executed again therefore."""
    changed = [name for name in CHANGES if getattr(before, name) != getattr(now, name)]
    if not changed:
        return ""
    names = ", ".join(CHANGES[name][0] for name in changed)
    return f"{names}, since the run was planned: {CHANGES[changed[0]][1]}"


def _check_inputs(store: MetadataStore, record: RunRecord) -> None:
    if record.pins and not all_usable(store, record.pins.ids):
        raise CannotGoOnError(
            f"run {record.run_id}: artifacts that it trains on are gone.",
            hint="Start a new one, which ingests them again: evergreen run",
        )


def _parts_with(run: RunView, node: str) -> list[str]:
    """Returns the parts to begin again: those with the node, and the training after them."""
    names = {view.node.node_id: view.part for view in reversed(run.current)}
    if node not in names:
        raise CannotGoOnError(
            f"run {run.record.run_id} has executed no node {node!r}{or_meant(node, names)}",
            hint=f"It has: {', '.join(names)}.",
        )
    return [TRAIN] if names[node].partition(".")[0] == TRAIN else run.record.parts


def _check_not_pushed(settings: Settings, store: MetadataStore, record: RunRecord) -> None:
    """Refuses to change a pushed version: another model could not be pushed in its place."""
    number = record.model_version
    if number is None:
        return
    pushed: Path = settings.serving.base_path / str(number)
    known = Lineage(store, settings.model.name).version(number)
    if known.stage is not None or pushed.exists():
        raise CannotGoOnError(
            f"run {record.run_id} pushed version {number}, and a version is never overwritten.",
            hint="Make another one: evergreen run --no-cache",
        )
