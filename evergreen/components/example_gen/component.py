"""The ExampleGen node: converts one span to split examples and refused rows."""

import json
from pathlib import Path

from tfx.components.util import examples_utils
from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from evergreen.beam_options import available_cores
from evergreen.components.artifacts import RejectedRows
from evergreen.components.example_gen.ingestion import ingest
from evergreen.components.example_gen.rejects import REPORT
from evergreen.components.example_gen.writer import Form
from evergreen.compression import Compression
from evergreen.errors import DataError
from evergreen.spans import read_span, verify


@component
def ExampleGen(
    examples: OutputArtifact[standard_artifacts.Examples],
    rejected: OutputArtifact[RejectedRows],
    span_path: Parameter[str],
    span: Parameter[int],
    version: Parameter[int],
    sha256: Parameter[str],
    columns: Parameter[dict[str, str]],
    key: Parameter[str],
    splits: Parameter[dict[str, int]],
    compression: Parameter[str],
    missing: Parameter[list[str]],
    beam_args: Parameter[list[str]],
) -> None:
    """Converts the files of one span to `tf.Example` records, split by a hash of the row's key.

    It uses processes of this machine, or the workers that Beam's options name.

    Args:
        examples: Out: one folder per split, TFRecords of `tf.Example`s.
        rejected: Out: the rows with values that do not fit their column's type.
        span_path: The folder of the span.
        span: The span's number.
        version: The span's version.
        sha256: The identity of the content, part of the node's cache key.
        columns: The schema's type of each column: `FLOAT`, `INT` or `BYTES`.
        key: The column with the row's stable key.
        splits: The number of hash buckets of each split.
        compression: The compression of the examples: `none` or `gzip`.
        missing: Text that stands for a missing value, besides the empty field.
        beam_args: Beam's options, if they name a runner with workers; else none.
    """
    content = read_span(Path(span_path))
    if content.sha256 != sha256:
        raise DataError(
            f"{span_path}: holds another content (SHA-256 {content.sha256[:12]}) than when the run "
            f"was planned ({sha256[:12]}).",
            hint="A version of a span never changes: publish the content as a new one "
            "(evergreen data land), then run again.",
        )
    verify(content)
    # By name, so that the order of the splits in the settings does not move rows between them.
    splits = dict(sorted(splits.items()))
    form = Form(columns, key, splits, Compression(compression), missing)
    places = content.files, form, Path(examples.uri), Path(rejected.uri)
    if beam_args:
        from evergreen.components.example_gen.on_beam import ingest_on_beam

        rejections, repeated = ingest_on_beam(*places, beam_args)
    else:
        rejections, repeated = ingest(*places, available_cores())
    examples.split_names = artifact_utils.encode_split_names(list(splits))
    examples.span, examples.version = span, version
    examples.set_string_custom_property("sha256", sha256)
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    if repeated:
        raise DataError(
            f"{span_path}: {repeated} rows repeat the {key} of another row.",
            hint="Keys decide splits and must be unique: correct them, or leave the column out "
            "and land the file again, so that keys are made.",
        )
    rejected.rows = rejections.rows
    report = json.dumps(rejections.report(), indent=1)
    Path(rejected.uri, REPORT).write_text(report)
