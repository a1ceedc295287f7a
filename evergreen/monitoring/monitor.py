"""Monitors a window, records the result, and sends alerts."""

import tempfile
from datetime import datetime
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore

from evergreen.files import private_folder, publish_folder, write_file
from evergreen.monitoring.alerts import alert
from evergreen.monitoring.exposition import exposition
from evergreen.monitoring.look import Seen, look
from evergreen.monitoring.page import render
from evergreen.monitoring.results import PAGE, MonitoringResult, Window, publish, result_folder
from evergreen.settings import Settings

STATISTICS = "Split-live/FeatureStats.pb"
METRICS = "metrics.prom"


def monitor(
    settings: Settings,
    store: MetadataStore,
    window: Window,
    now: datetime,
    version: int | None = None,
) -> MonitoringResult:
    """Monitors a model version in a window of time.

    The result is an artifact in ML Metadata, a page, Prometheus metrics, and an alert if something
    fired. Nothing reads the clock, so past windows can be monitored as of their time.

    Args:
        settings: The project's settings.
        store: The metadata store.
        window: The period to monitor; it is compared with an equally long one before it.
        now: The present: determines the age of the model's data, and which labels are known.
        version: The model version; None for the serving one.

    Raises:
        RegistryError: If nothing serves, or there is no such version.
        SettingsError: If there is no log, or `monitoring.features` names an unknown feature.
    """
    result, seen = look(settings, store, window, now, version)
    folder = result_folder(settings, result)
    private_folder(folder.parent)
    _write(folder, result, seen)
    artifact = publish(store, result, folder, seen.reference.statistics_ids)
    write_file(settings.monitoring.folder / METRICS, exposition(result))
    alert(settings.monitoring, result, artifact)
    return result


def _write(folder: Path, result: MonitoringResult, seen: Seen) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        staging = Path(temporary)
        (staging / PAGE).write_text(render(result, seen.reference.run_id))
        (staging / "result.json").write_text(result.model_dump_json(indent=1))
        if seen.traffic.statistics is not None:
            target = staging / STATISTICS
            target.parent.mkdir()
            target.write_bytes(seen.traffic.statistics.SerializeToString())
        publish_folder(staging, folder)
