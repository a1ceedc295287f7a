"""Workers are other processes, and the code they run is what was shipped to them."""

import json
import os
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from tests.flink.cluster import SLOTS, overview
from tests.flink.conftest import Engine


def test_a_cluster_of_our_own_has_slots(flink_rest: int) -> None:
    assert overview(flink_rest)["slots-available"] == SLOTS


def test_workers_run_the_code_that_was_shipped(engine: Engine, tmp_path: Path) -> None:
    def tell(number: int) -> str:
        import evergreen
        from models.taxi import features

        found = {"pid": os.getpid(), "files": [evergreen.__file__, features.__file__]}
        return json.dumps(found | {"number": number})

    with beam.Pipeline(options=PipelineOptions(engine.args)) as pipeline:
        told = pipeline | beam.Create(range(4)) | beam.Reshuffle() | beam.Map(tell)
        told | beam.io.WriteToText(str(tmp_path / "told"))
    found = [json.loads(line) for file in tmp_path.iterdir() for line in file.open()]
    assert sorted(worker["number"] for worker in found) == [0, 1, 2, 3]
    assert os.getpid() not in {worker["pid"] for worker in found}
    [files] = {tuple(worker["files"]) for worker in found}
    shipped = os.path.commonpath(files)
    assert f"/evergreen-workers-{os.getuid()}/" in shipped
    assert files == (f"{shipped}/evergreen/__init__.py", f"{shipped}/models/taxi/features.py")
