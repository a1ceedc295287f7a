from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.store import open_store
from evergreen.settings import Settings, load_settings
from tests.project import ROOT


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    places = [
        f"metadata.sqlite={tmp_path}/metadata.sqlite",
        f"pipeline.root={tmp_path}/pipeline",
        f"reports.folder={tmp_path}/reports",
    ]
    return load_settings(ROOT, overrides=places)


@pytest.fixture
def store(settings: Settings) -> MetadataStore:
    return open_store(settings.metadata)
