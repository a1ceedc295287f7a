"""Writes the page of a run."""

from pathlib import Path

from ml_metadata.metadata_store import MetadataStore

from evergreen.files import write_file
from evergreen.runs.plan import RunRecord
from evergreen.settings import Settings


def report_path(settings: Settings, run_id: str) -> Path:
    """Returns the path of a run's page, whether it exists or not."""
    return settings.reports.folder / f"{run_id}.html"


def write_report(settings: Settings, store: MetadataStore, record: RunRecord) -> Path:
    """Writes or replaces the page of a run, completely or not at all.

    Args:
        settings: The project's settings.
        store: The metadata store.
        record: The run's record; it may have any outcome, or none yet.

    Returns:
        The file.
    """
    from evergreen.reporting.page import render  # takes a second: matplotlib

    target = report_path(settings, record.run_id)
    write_file(target, render(settings, store, record))
    return target
