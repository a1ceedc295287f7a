"""The store's tests run for every kind of store of ML Metadata."""

from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.store import open_store
from evergreen.settings.metadata import MetadataSettings
from tests.mariadb import metadata


@pytest.fixture(params=["sqlite", "mariadb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> MetadataSettings:
    if request.param == "mariadb":
        return metadata(request.getfixturevalue("mariadb").database())
    return MetadataSettings(sqlite=tmp_path / "metadata.sqlite")


@pytest.fixture
def store(place: MetadataSettings) -> MetadataStore:
    return open_store(place)
