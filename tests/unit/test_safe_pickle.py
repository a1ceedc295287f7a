"""TFX's libraries read their own pickles, and run nothing that somebody else has written."""

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from evergreen import safe_pickle
from tests.unit.test_imports import check

HOOKED = """
import evergreen.orchestrators
from tensorflow_transform import analyzers
from tensorflow_transform.beam import analyzer_cache
from tensorflow_model_analysis.writers import eval_config_writer
from evergreen.safe_pickle import loads

for module in (analyzers, analyzer_cache, eval_config_writer):
    assert module.pickle.loads is loads, module
"""


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.file,)


def test_an_import_of_the_libraries_finds_the_restricted_way() -> None:
    check(HOOKED)


@pytest.fixture
def cache() -> object:
    from tensorflow_transform.beam import analyzer_cache

    safe_pickle.install()
    return analyzer_cache


def test_the_analyzer_cache_reads_what_it_wrote_and_nothing_that_runs(
    tmp_path: Path, cache: object
) -> None:
    with cache._ManifestFile(str(tmp_path)) as manifest:
        manifest.write({b"key\xff": 1, "other": 2})
    assert cache._ManifestFile(str(tmp_path)).read() == {b"key\xff": 1, "other": 2}
    metadata = cache.DatasetCacheMetadata(3)
    assert cache.DatasetCacheMetadata.decode(metadata.encode()) == metadata
    made = tmp_path / "made"
    evil = pickle.dumps({"key": Evil(made)})
    (tmp_path / "MANIFEST").write_bytes(evil)
    assert cache._ManifestFile(str(tmp_path)).read() == {}  # goes on without the cache
    with pytest.raises(pickle.UnpicklingError, match="somebody else's file"):
        cache.DatasetCacheMetadata.decode(evil)
    assert not made.exists()


def test_sketches_of_quantiles_are_read_and_nothing_that_runs(tmp_path: Path) -> None:
    from tensorflow_transform import analyzers
    from tfx_bsl.sketches import QuantilesSketch

    safe_pickle.install()
    coder, sketch = analyzers._QuantilesSketchCacheCoder(), QuantilesSketch(0.01, 100, 1)
    sketch.AddValues(pa.array(np.arange(100.0)))
    again = coder.decode_cache(coder.encode_cache(sketch))
    assert again.GetQuantiles(4).to_pylist() == sketch.GetQuantiles(4).to_pylist()
    for evil in (Evil(tmp_path / "made"), eval, Path):
        with pytest.raises(pickle.UnpicklingError):
            coder.decode_cache(pickle.dumps(evil))
    assert not (tmp_path / "made").exists()
