"""The content of artifacts, for comparing the outputs of two runs.

Left out is what is no result: the order of records and of their features, random names in
TensorFlow's graphs, the last digits of sums, latencies, and paths.
"""

import hashlib
import re
from pathlib import Path

import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2

RECORDS = re.compile(r"/(data_tfrecord|transformed_examples)-")
# Graphs hold names that TensorFlow counts or draws, events times. What a graph computes is told by
# the metrics, the evaluation by the run's results. An analyzer cache's METADATA is what its batches
# took in memory, which Beam cuts by the clock.
NAME_ONLY = re.compile(
    r"(^|/)(saved_model|fingerprint)\.pb|/events\.out\.tfevents|/METADATA-"
    r"|^Evaluator/|^ServingValidator/.*report"
)
# Transform names the files of its analyzer cache by the folders of the examples.
EXECUTION = re.compile(r"(?<=-ExampleGen-examples-)\d+")
DRAWN = re.compile(r"[0-9a-f]{32,}|(?<=tfevents)\..*")


def contents(root: Path) -> dict[str, object]:
    """What is in every file below a folder, by its path."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    visible = [file for file in files if not file.relative_to(root).parts[0].startswith(".")]
    names = _with_ranks([str(file.relative_to(root)) for file in visible])
    found = zip(names, visible, strict=True)
    return {DRAWN.sub("*", name): _content(root, file) for name, file in found}


def _with_ranks(names: list[str]) -> list[str]:
    """Names with the places of executions instead of their ids, which nodes take as they start."""
    ids = sorted({int(id_) for name in names for id_ in EXECUTION.findall(name)})
    return [EXECUTION.sub(lambda found: f"#{ids.index(int(found[0]))}", name) for name in names]


def _content(root: Path, file: Path) -> object:
    path = str(file.relative_to(root))
    if NAME_ONLY.search(path):
        return "there"
    if RECORDS.search(path):
        return _records(file)
    if file.name == "FeatureStats.pb":
        return _statistics(file)
    if file.suffix == ".json":
        return rounded(file.read_text())
    return _digest(file.read_bytes())


def rounded(text: str) -> str:
    """A text whose numbers have six digits: the order of summands moves the last ones."""
    return re.sub(r"-?\d+\.\d+(e[-+]\d+)?", lambda number: f"{float(number[0]):.6g}", text)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _records(file: Path) -> list[str]:
    zipped = file.read_bytes()[:2] == b"\x1f\x8b"
    records = tf.data.TFRecordDataset([str(file)], "GZIP" if zipped else "")
    examples = map(tf.train.Example.FromString, records.as_numpy_iterator())
    return sorted(_digest(example.SerializeToString(deterministic=True)) for example in examples)


def _statistics(file: Path) -> str:
    found = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
    return rounded(str(found))
