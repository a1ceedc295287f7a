"""The real thing once for all tests: the sample is transformed in Beam, and a model is trained."""

from collections.abc import Iterable
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
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx_bsl.public import tfxio

from data.taxi import KEY_COLUMN, SCHEMA_PATH
from data.taxi.source import read_source, sample_path
from evergreen.spans import add_row_keys
from evergreen.tabular.rows import Rows, read_rows
from evergreen.tabular.transformer import Transformer
from models.taxi.features import TRIPS
from models.taxi.model import preprocessing_fn, run_fn

SCHEMA = text_format.Parse(SCHEMA_PATH.read_text(), schema_pb2.Schema())
SPEC = schema_utils.schema_as_feature_spec(SCHEMA).feature_spec
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
    """What Transform writes: the graph, analyzed on train."""
    folder = tmp_path_factory.mktemp("transform")
    source = tfxio.TFExampleBeamRecord(physical_format="inmem", schema=SCHEMA)
    options = PipelineOptions(["--runner=FnApiRunner", "--beam_plugin=tfx"])
    with beam.Pipeline(options=options) as pipeline, tft_beam.Context(str(folder / "tmp")):
        rows = pipeline | beam.Create(list(trips.split("train").example)) | source.BeamSource()
        graph = (rows, source.TensorAdapterConfig()) | tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = graph | tft_beam.WriteTransformFn(str(folder))
    write_raw_metadata(SCHEMA, folder)
    return folder


@pytest.fixture(scope="session")
def transformer(transformed: Path) -> Transformer:
    return Transformer(tft.TFTransformOutput(str(transformed)))


def write_raw_metadata(schema: schema_pb2.Schema, folder: Path) -> None:
    """Writes the part of a transform graph that TFX's executor writes and TFT does not."""
    metadata = dataset_metadata.DatasetMetadata(schema)
    metadata_io.write_metadata(metadata, str(folder / tft.TFTransformOutput.RAW_METADATA_DIR))


@pytest.fixture(scope="session")
def examples(trips: Trips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ExampleGen writes, of train and eval: one plain, the other one gzipped."""
    folder = tmp_path_factory.mktemp("examples")
    for split, suffix in (("train", ""), ("eval", ".gz")):
        (folder / f"Split-{split}").mkdir()
        write_examples(trips.split(split).example, folder / f"Split-{split}" / f"rows{suffix}")
    return folder


def write_examples(examples: Iterable[bytes], file: Path) -> None:
    """Writes serialized `tf.Example`s, gzipped if the name says so."""
    options = tf.io.TFRecordOptions(compression_type="GZIP" if file.suffix == ".gz" else "")
    with tf.io.TFRecordWriter(str(file), options) as writer:
        for example in examples:
            writer.write(example)


@pytest.fixture(scope="session")
def fn_args(transformed: Path, examples: Path, tmp_path_factory: pytest.TempPathFactory) -> FnArgs:
    """The arguments of a run of `run_fn` that is over."""
    folder = tmp_path_factory.mktemp("model")
    arguments = FnArgs(
        train_files=[f"{examples}/Split-train/*"],
        eval_files=[f"{examples}/Split-eval/*"],
        transform_graph_path=str(transformed),
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
def splits(examples: Path, transformer: Transformer) -> dict[str, Rows]:
    """The transformed rows of train and eval, as `run_fn` reads them."""
    return {
        split: read_rows([f"{examples}/Split-{split}/*"], transformer, TRIPS)
        for split in ("train", "eval")
    }
