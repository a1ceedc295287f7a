"""The ExampleGen node of the pipeline: one span in, split examples and refused rows out."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
from tfx.components.util import examples_utils
from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from evergreen.components.artifacts import RejectedRows
from evergreen.components.example_gen.coercing import Refusal, coerce
from evergreen.components.example_gen.reading import read_batches
from evergreen.components.example_gen.writing import SplitWriter, fingerprints
from evergreen.errors import DataError
from evergreen.spans import read_span, verify

REPORT = "rejected.json"
MAX_EXAMPLES = 20


class Rejections:
    """Collects refused values: counts, and the first few with their places."""

    def __init__(self) -> None:
        self.rows = 0
        self._fingerprints: list[np.ndarray] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], list[dict[str, str | int]]] = {}

    def add(self, file: str, first_row: int, refusals: list[Refusal]) -> None:
        """Adds the refusals of a batch whose first row is number `first_row` of the file."""
        self.rows += len({refusal.row for refusal in refusals})
        for refusal in refusals:
            reason = (refusal.column, refusal.reason)
            self._counts[reason] += 1
            examples = self._examples.setdefault(reason, [])
            if len(examples) < MAX_EXAMPLES:
                place: dict[str, str | int] = {
                    "file": file,
                    "row": first_row + refusal.row,
                    "value": refusal.value,
                }
                examples.append(place)

    def add_keys(self, keys: pa.Array) -> None:
        """Adds the keys of good rows, to find out whether they are unique."""
        self._fingerprints.append(fingerprints(keys))

    def repeated_keys(self) -> int:
        """How many rows have a key that another row before them has."""
        keys = np.concatenate([np.array([], np.int64), *self._fingerprints])
        return len(keys) - len(np.unique(keys))

    def report(self) -> dict[str, object]:
        """The content of `rejected.json`."""
        reasons = [
            {"column": column, "reason": reason, "count": count, "examples": self._examples[key]}
            for key, count in self._counts.most_common()
            for column, reason in [key]
        ]
        return {"rows": self.rows, "reasons": reasons}


@component
def ExampleGen(  # noqa: N802 - a component is a class to its users
    examples: OutputArtifact[standard_artifacts.Examples],
    rejected: OutputArtifact[RejectedRows],
    span_path: Parameter[str],
    span: Parameter[int],
    version: Parameter[int],
    sha256: Parameter[str],
    columns: Parameter[dict[str, str]],
    key: Parameter[str],
    splits: Parameter[dict[str, int]],
) -> None:
    """Turns the files of one span into `tf.Example` records, split by a hash of the row's key.

    Args:
        examples: Out: a folder a split, TFRecords of `tf.Example`s.
        rejected: Out: the rows with values that do not fit their column's type.
        span_path: The folder of the span.
        span: The span's number.
        version: The span's version.
        sha256: The identity of the content, part of the node's cache key.
        columns: The schema's type of each column: `FLOAT`, `INT` or `BYTES`.
        key: The column with the row's stable key.
        splits: Hash buckets of each split.
    """
    content = read_span(Path(span_path))
    verify(content)
    rejections = ingest(content.files, Path(examples.uri), columns, key, splits)
    examples.split_names = artifact_utils.encode_split_names(list(splits))
    examples.span, examples.version = span, version
    examples.set_string_custom_property("sha256", sha256)
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    if repeated := rejections.repeated_keys():
        raise DataError(
            f"{span_path}: {repeated} rows repeat the {key} of another row.",
            hint="Keys decide splits and must be unique: correct them, or leave the column out "
            "and land the file again, so that keys are made.",
        )
    rejected.rows = rejections.rows
    report = json.dumps(rejections.report(), indent=1)
    Path(rejected.uri, REPORT).write_text(report)


def ingest(
    files: Iterable[Path], target: Path, columns: dict[str, str], key: str, splits: dict[str, int]
) -> Rejections:
    """Reads data files, and writes their good rows to the splits' files below a folder.

    Returns:
        The refused rows. A row without a key is refused: its split could not be repeated.
    """
    rejections = Rejections()
    with SplitWriter(target, splits) as writer:
        for file in files:
            row = 1
            for batch in read_batches(file):
                refusals = _write(batch, columns, key, writer, rejections)
                rejections.add(file.name, row, refusals)
                row += batch.num_rows
    return rejections


def _write(
    batch: pa.RecordBatch,
    kinds: dict[str, str],
    key: str,
    writer: SplitWriter,
    rejections: Rejections,
) -> list[Refusal]:
    columns, refusals = coerce(batch, kinds)
    keys = columns.get(key, pa.nulls(batch.num_rows, pa.binary()))
    no_key = np.flatnonzero(keys.is_null().to_numpy(zero_copy_only=False))
    refusals += [Refusal(int(row), key, "", "is missing, and is the row's key") for row in no_key]
    good = np.ones(batch.num_rows, bool)
    good[[refusal.row for refusal in refusals]] = False
    keep = pa.array(good)
    rejections.add_keys(keys.filter(keep))
    writer.write({name: column.filter(keep) for name, column in columns.items()}, keys.filter(keep))
    return refusals
