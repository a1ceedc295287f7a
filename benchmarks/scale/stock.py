"""Stock's CsvExampleGen alone, as `benchmarks/pipeline/stock.py` has it.

Usage: python -m benchmarks.scale.stock DATA FOLDER
"""

import sys

from tfx import v1 as tfx

from benchmarks.pipeline.stock import create_example_gen, pipeline_of

if __name__ == "__main__":
    data, folder = sys.argv[1:]
    tfx.orchestration.LocalDagRunner().run(pipeline_of([create_example_gen(data)], folder))
