"""Puts the page of a run in its place."""

import os
import tempfile
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore

from evergreen.planning.plan import RunRecord
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
    page = render(settings, store, record)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as folder:
        new = Path(folder, target.name)
        new.write_text(page, encoding="utf-8")
        os.replace(new, target)
    return target
