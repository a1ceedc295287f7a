"""Stock's CsvExampleGen alone, as `benchmarks/pipeline/stock.py` has it.

Usage: python -m benchmarks.scale.stock DATA FOLDER
"""

import sys

from tfx import v1 as tfx

from benchmarks.pipeline.stock import create_pipeline
from benchmarks.pipeline.variants import stock_module_file

if __name__ == "__main__":
    data, folder = sys.argv[1:]
    pipeline = create_pipeline(data, str(stock_module_file()), folder, 1)
    pipeline.components = pipeline.components[:1]
    tfx.orchestration.LocalDagRunner().run(pipeline)
