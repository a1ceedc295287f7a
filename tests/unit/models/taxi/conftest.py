"""The real thing once for all tests: the sample is transformed in Beam, and a model is trained."""

from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io
from tfx.components.trainer.fn_args_utils import DataAccessor, FnArgs
from tfx.components.util import tfxio_utils
from tfx.types import standard_artifacts
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder
from tfx_bsl.public import tfxio

from data.taxi import KEY_COLUMN, SCHEMA_PATH
from data.taxi.source import read_source, sample_path
from evergreen.spans import add_row_keys
from models.taxi.preprocessing import preprocessing_fn
from models.taxi.rows import Rows, read_rows
from models.taxi.training import run_fn

SCHEMA = text_format.Parse(SCHEMA_PATH.read_text(), schema_pb2.Schema())
TYPES = {feature.name: feature.type for feature in SCHEMA.feature}


def serialize(row: dict[str, object]) -> bytes:
    """Makes the tf.Example of a row; None is a missing value."""
    features = {}
    for name, value in row.items():
        if value is None:
            continue
        if TYPES[name] == schema_pb2.FLOAT:
            feature = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        elif TYPES[name] == schema_pb2.INT:
            feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value)]))
        else:
            data = tf.train.BytesList(value=[str(value).encode()])
            feature = tf.train.Feature(bytes_list=data)
        features[name] = feature
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


@dataclass(frozen=True)
class Trips:
    """The sample: columns as in the file, `bucket` 0 to 4, exact `label`, and `example`."""

    frame: pd.DataFrame

    def split(self, name: str) -> pd.DataFrame:
        buckets = {"train": (0, 1, 2), "eval": (3,), "test": (4,)}[name]
        return self.frame[self.frame.bucket.isin(buckets)]


@pytest.fixture(scope="session")
def trips() -> Trips:
    frame = add_row_keys(read_source(sample_path()), KEY_COLUMN).to_pandas()
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return Trips(
        frame.assign(
            bucket=tf.strings.to_hash_bucket_fast(list(frame.trip_id), 5).numpy(),
            label=((frame.tips * 100).round() * 5 > (frame.fare * 100).round()).astype(int),
            example=[serialize(row) for row in rows],
        )
    )


@pytest.fixture(scope="session")
def transformed(trips: Trips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Transform writes: the graph, analyzed on train, and the examples of train and eval."""
    folder = tmp_path_factory.mktemp("transform")
    source = tfxio.TFExampleBeamRecord(physical_format="inmem", schema=SCHEMA)
    config = source.TensorAdapterConfig()
    options = PipelineOptions(["--runner=FnApiRunner", "--beam_plugin=tfx"])
    with beam.Pipeline(options=options) as pipeline, tft_beam.Context(str(folder / "tmp")):
        raw = {
            split: pipeline
            | f"Rows[{split}]" >> beam.Create(list(trips.split(split).example))
            | f"Batches[{split}]" >> source.BeamSource()
            for split in ("train", "eval")
        }
        graph = (raw["train"], config) | tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = graph | tft_beam.WriteTransformFn(str(folder))
        for split, batches in raw.items():
            transform = tft_beam.TransformDataset(output_record_batches=True)
            rows, _ = ((batches, config), graph) | f"Transform[{split}]" >> transform
            _ = (
                rows
                | f"Encode[{split}]"
                >> beam.FlatMapTuple(lambda batch, _: RecordBatchToExamplesEncoder().encode(batch))
                | f"Write[{split}]"
                >> beam.io.WriteToTFRecord(f"{folder}/Split-{split}/rows", file_name_suffix=".gz")
            )
    write_raw_metadata(SCHEMA, folder)
    return folder


def write_raw_metadata(schema: schema_pb2.Schema, folder: Path) -> None:
    """Writes the part of a transform graph that TFX's executor writes and TFT does not."""
    metadata = dataset_metadata.DatasetMetadata(schema)
    metadata_io.write_metadata(metadata, str(folder / tft.TFTransformOutput.RAW_METADATA_DIR))


@pytest.fixture(scope="session")
def data_accessor(transformed: Path) -> DataAccessor:
    examples = standard_artifacts.Examples()
    examples.uri = str(transformed)
    factory = tfxio_utils.get_tf_dataset_factory_from_artifact([examples], ["tests"])
    return DataAccessor(factory, record_batch_factory=None, data_view_decode_fn=None)


@pytest.fixture(scope="session")
def fn_args(
    transformed: Path, data_accessor: DataAccessor, tmp_path_factory: pytest.TempPathFactory
) -> FnArgs:
    """The arguments of a run of `run_fn` that is over."""
    folder = tmp_path_factory.mktemp("model")
    arguments = FnArgs(
        train_files=[f"{transformed}/Split-train/*"],
        eval_files=[f"{transformed}/Split-eval/*"],
        transform_graph_path=str(transformed),
        data_accessor=data_accessor,
        serving_model_dir=str(folder / "Format-Serving"),
        model_run_dir=str(folder / "run"),
        custom_config={"seed": 1},
    )
    run_fn(arguments)
    return arguments


@pytest.fixture(scope="session")
def exported(fn_args: FnArgs) -> object:
    return tf.saved_model.load(fn_args.serving_model_dir)


@pytest.fixture(scope="session")
def splits(transformed: Path, data_accessor: DataAccessor) -> dict[str, Rows]:
    """The transformed rows of train and eval, as `run_fn` reads them."""
    graph = tft.TFTransformOutput(str(transformed))
    return {
        split: read_rows([f"{transformed}/Split-{split}/*"], data_accessor, graph)
        for split in ("train", "eval")
    }
