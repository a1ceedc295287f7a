"""Samples of rows for making requests."""

import heapq
from collections.abc import Sequence
from pathlib import Path

import pyarrow.compute as pc
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from evergreen.components.example_gen.splits import fingerprints
from evergreen.errors import EvergreenError
from evergreen.tf_examples import read_records

BATCH_ROWS = 4096
SERVING = "SERVING"
"""The schema's environment that has the features of a request."""


def sample(folders: Sequence[Path], schema: schema_pb2.Schema, key: str, count: int) -> list[bytes]:
    """Returns serialized `tf.Example`s: the rows whose keys have the lowest hashes.

    Such a sample is spread over all rows, and does not depend on their order or their files.

    Args:
        folders: Folders of TFRecords of `tf.Example`s.
        schema: The schema, with the key among its features.
        key: The feature with the row's stable key.
        count: The number of rows; all if there are fewer.

    Raises:
        EvergreenError: If there are no rows.
    """
    only_key = schema_pb2.Schema(
        feature=[feature for feature in schema.feature if feature.name == key]
    )
    decoder = ExamplesToRecordBatchDecoder(only_key.SerializeToString())
    kept: list[tuple[int, bytes]] = []
    for records in read_records(folders, BATCH_ROWS):
        keys = pc.list_flatten(decoder.DecodeBatch(records).column(0))
        hashes = fingerprints(keys)
        kept = heapq.nsmallest(count, [*kept, *zip(hashes.tolist(), records, strict=True)])
    if not kept:
        raise EvergreenError(
            f"{', '.join(map(str, folders))}: no row to make a request of.",
            hint="Take more spans into the window, or a larger share into this split.",
        )
    return [record for _, record in kept]


def as_request(record: bytes, features: set[str]) -> tf.train.Example:
    """Returns a row with only the features of a request."""
    row = tf.train.Example.FromString(record)
    present = {name: value for name, value in row.features.feature.items() if name in features}
    return tf.train.Example(features=tf.train.Features(feature=present))


def serving_features(schema: schema_pb2.Schema) -> set[str]:
    """Returns the features of a request: those in the environment SERVING."""
    return {feature.name for feature in schema.feature if _is_served(feature, schema)}


def _is_served(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> bool:
    if SERVING in feature.not_in_environment:
        return False
    everywhere = not schema.default_environment or SERVING in schema.default_environment
    return everywhere or SERVING in feature.in_environment
