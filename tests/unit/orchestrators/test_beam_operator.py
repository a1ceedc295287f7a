"""Worker processes that Beam starts on this machine import what the nodes' functions need."""

import sys
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from evergreen.beam_options import NO_PACKAGE, RUNNER, WORKERS
from evergreen.orchestrators.beam_operator import plugins_for_workers


def test_workers_import_tfx_and_what_restricts_pickles_first(tmp_path: Path) -> None:
    def tell(_: int) -> str:
        return str({"tfx", "evergreen.safe_pickle"} <= {*sys.modules})

    options = PipelineOptions([RUNNER, NO_PACKAGE, WORKERS, "--direct_num_workers=1"])
    with plugins_for_workers(), beam.Pipeline(options=options) as pipeline:
        told = pipeline | beam.Create([1]) | beam.Map(tell)
        told | beam.io.WriteToText(str(tmp_path / "told"))
    assert [file.read_text() for file in tmp_path.iterdir()] == ["True\n"]
