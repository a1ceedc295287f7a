from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore

from tests.unit.lineage.making import make_store


@pytest.fixture
def store(tmp_path: Path) -> MetadataStore:
    return make_store(tmp_path / "metadata.sqlite")
