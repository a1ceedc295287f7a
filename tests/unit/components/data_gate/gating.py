"""Takes rows through the real nodes up to the data gate: files, statistics, validation, the gate.

Statistics are those of StatisticsGen, of which only the executor is left out.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx.components.example_validator.executor import Executor as ExampleValidator
from tfx.types import Artifact, artifact_utils, standard_artifacts
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

# After TFX, which stands in a module for it that tfx-bsl dropped.
import tensorflow_data_validation as tfdv  # isort: skip

from data.taxi import KEY_COLUMN, SCHEMA_PATH
from data.taxi.source import read_source, sample_path
from evergreen.components.artifacts import DataBlessing, RejectedRows
from evergreen.components.data_gate.component import DataGate
from evergreen.components.example_gen.ingestion import ingest
from evergreen.components.example_gen.writer import Form, to_lists
from evergreen.components.statistics_gen import compute
from evergreen.quality.columns import coerce
from evergreen.spans import add_row_keys
from tests.unit.components.rows import Row, write_split

Report = dict[str, Any]
SPLITS = {"train": 3, "eval": 1, "test": 1}
NOTHING_REFUSED: Report = {"rows": 0, "reasons": []}


@cache
def taxi_schema() -> schema_pb2.Schema:
    return text_format.Parse(SCHEMA_PATH.read_text(), schema_pb2.Schema())


@cache
def trips() -> pa.Table:
    """All trips of the sample, with keys."""
    return add_row_keys(read_source(sample_path()), KEY_COLUMN)


@cache
def column_types() -> dict[str, str]:
    return {
        feature.name: schema_pb2.FeatureType.Name(feature.type) for feature in taxi_schema().feature
    }


def ingested(folder: Path, table: pa.Table) -> Report:
    """Brings a table into a folder of examples as ExampleGen does; returns the refused rows."""
    pq.write_table(table, file := folder / "part.parquet")
    form = Form(column_types(), KEY_COLUMN, SPLITS)
    rejections, _ = ingest([file], form, folder / "examples", folder / "aside")
    return rejections.report()


def written(folder: Path, splits: Mapping[str, list[Row]]) -> None:
    """Writes examples that ExampleGen itself would not make."""
    for split, rows in splits.items():
        write_split(folder / "examples", split, rows)


def kinds_of(name: str, lists: pa.Array, schema: schema_pb2.Schema) -> set[str]:
    """What TFDV finds in lists of values of a feature."""
    found = tfdv.validate_statistics(statistics_of_lists({name: lists}), schema)
    reasons = [reason for info in found.anomaly_info.values() for reason in info.reason]
    return {
        anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
        for reason in [*reasons, *found.dataset_anomaly_info.reason]
    }


def statistics_of_lists(
    columns: Mapping[str, pa.Array | list[Any]],
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Statistics of lists of values, null where missing."""
    batch = pa.RecordBatch.from_pydict(dict(columns))
    return compute([batch])


def statistics_of_table(table: pa.Table) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Statistics of a table with rows, as if it were one split of a span."""
    [batch] = table.combine_chunks().to_batches()
    columns, _ = coerce(batch, column_types())
    return compute([to_lists(columns)])


def statistics_of(split: Path) -> statistics_pb2.DatasetFeatureStatisticsList:
    files = [str(file) for file in split.iterdir()]
    records = list(tf.data.TFRecordDataset(files).as_numpy_iterator())
    batch = ExamplesToRecordBatchDecoder().DecodeBatch(records)
    return compute([batch])


def statistics_artifact(
    folder: Path, splits: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList], id_: int = 0
) -> standard_artifacts.ExampleStatistics:
    found = artifact(standard_artifacts.ExampleStatistics, folder)
    found.id = id_
    found.split_names = artifact_utils.encode_split_names(list(splits))
    for split, statistics in splits.items():
        (target := folder / f"Split-{split}").mkdir()
        (target / "FeatureStats.pb").write_bytes(statistics.SerializeToString())
    return found


def artifact(kind: type[Artifact], folder: Path) -> Any:
    folder.mkdir(parents=True)
    made = kind()
    made.uri = str(folder)
    return made


class Gate:
    """The data gate on the examples of a folder.

    Attributes:
        statistics: Those of the examples, as an artifact.
        blessing: The gate's artifact.
    """

    def __init__(
        self, folder: Path, schema: schema_pb2.Schema, refused: Report = NOTHING_REFUSED
    ) -> None:
        names = [name for name in SPLITS if (folder / "examples" / f"Split-{name}").exists()]
        self._examples = standard_artifacts.Examples()
        self._examples.uri = str(folder / "examples")
        self._examples.span, self._examples.version = 4, 1
        self.statistics = statistics_artifact(
            folder / "statistics",
            {name: statistics_of(folder / "examples" / f"Split-{name}") for name in names},
        )
        self._schema = artifact(standard_artifacts.Schema, folder / "schema")
        text = text_format.MessageToString(schema)
        Path(self._schema.uri, "schema.pbtxt").write_text(text)
        self._anomalies = artifact(standard_artifacts.ExampleAnomalies, folder / "anomalies")
        inputs = {"statistics": [self.statistics], "schema": [self._schema]}
        ExampleValidator().Do(inputs, {"anomalies": [self._anomalies]}, {})
        self._rejected = artifact(RejectedRows, folder / "rejected")
        Path(self._rejected.uri, "rejected.json").write_text(json.dumps(refused))
        self.blessing = artifact(DataBlessing, folder / "blessing")

    def report(self, rejected_share: float = 0.0, **earlier: Any) -> Report:
        """Lets the gate decide, with `previous_statistics` and `window_statistics` if given."""
        DataGate.test_call(
            examples=self._examples,
            statistics=self.statistics,
            anomalies=self._anomalies,
            schema=self._schema,
            rejected=self._rejected,
            blessing=self.blessing,
            rejected_share=rejected_share,
            ingest_key="key",
            series="taxi",
            previous_in_window=1,
            **earlier,
        )
        return json.loads(Path(self.blessing.uri, "report.json").read_text())
