"""Puts the page of a run in its place."""

from pathlib import Path

from ml_metadata.metadata_store import MetadataStore

from evergreen.files import write_file
from evergreen.runs.plan import RunRecord
from evergreen.settings import Settings


def report_path(settings: Settings, run_id: str) -> Path:
    """Returns where the page of a run is, or will be."""
    return settings.reports.folder / f"{run_id}.html"


def write_report(settings: Settings, store: MetadataStore, record: RunRecord) -> Path:
    """Writes the page of a run, whole or not at all; one that is there is replaced.

    Args:
        settings: The project's settings.
        store: The metadata store.
        record: The run's record; it may have ended in any way, or not yet.

    Returns:
        The file.
    """
    from evergreen.reporting.page import render  # takes a second: matplotlib

    target = report_path(settings, record.run_id)
    write_file(target, render(settings, store, record))
    return target
