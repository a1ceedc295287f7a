"""Writes and reads `tf.Example` records."""

from pathlib import Path

import tensorflow as tf

Value = bytes | int | float
Row = dict[str, list[Value]]


def write_split(folder: Path, split: str, rows: list[Row]) -> Path:
    """Writes rows to `<folder>/Split-<split>`; an empty list is a feature without values."""
    target = folder / f"Split-{split}"
    target.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(target / "data_tfrecord-00000-of-00001")) as writer:
        for row in rows:
            features = tf.train.Features(feature={k: _feature(v) for k, v in row.items()})
            writer.write(tf.train.Example(features=features).SerializeToString())
    return target


def read_split(folder: Path, split: str) -> list[Row]:
    return read_rows(*sorted((folder / f"Split-{split}").iterdir()))


def read_rows(*files: Path) -> list[Row]:
    records = tf.data.TFRecordDataset([str(file) for file in files]).as_numpy_iterator()
    return [as_row(record) for record in records]


def _feature(values: list[Value]) -> tf.train.Feature:
    if values and isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if values and isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def as_row(record: bytes) -> Row:
    """The features that have values, by name; one of no kind is a missing one to any parser."""
    features = tf.train.Example.FromString(record).features.feature
    kinds = {name: features[name].WhichOneof("kind") for name in sorted(features)}
    return {name: list(getattr(features[name], kind).value) for name, kind in kinds.items() if kind}
