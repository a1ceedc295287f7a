"""Converts the files of a span to split examples on Beam's workers, one file per element.

Rows are read and encoded by the same functions as in `ingestion`, so that files, rows, their order
and refusals are the same. Workers need access to the folders of spans and artifacts, like nodes.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import apache_beam as beam
import numpy as np
from apache_beam.options.pipeline_options import PipelineOptions

from evergreen.components.example_gen.reader import Piece, read_pieces
from evergreen.components.example_gen.rejects import Rejections, aside_name
from evergreen.components.example_gen.splits import Distinct
from evergreen.components.example_gen.writer import (
    Form,
    Written,
    file_name,
    split_folders,
    write_piece,
)

REJECTIONS, KEYS = "{}.rejections.json", "{}.keys.npy"


def ingest_on_beam(
    files: Sequence[Path], form: Form, examples: Path, rejected: Path, options: Sequence[str]
) -> tuple[Rejections, int]:
    """Does the same as `ingest`, on the runner in Beam's options.

    Args:
        files: CSV or Parquet files, in order.
        form: The form of the examples.
        examples: The folder for one folder per split, TFRecords of `tf.Example`s.
        rejected: The folder for refused rows.
        options: Beam's options, with its runner.

    Returns:
        The refused rows, and the number of rows whose key an earlier row has.
    """
    for folder in split_folders(form, examples):
        folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".files-", dir=examples) as made:
        work = Path(made)
        encode = partial(_encode, form=form, work=work)
        with beam.Pipeline(options=PipelineOptions(list(options))) as pipeline:
            numbered = pipeline | "Files" >> beam.Create(list(enumerate(map(str, files))))
            numbered | beam.Reshuffle() | "Encode" >> beam.MapTuple(encode)
        return _gather(
            [_folder(work, number) for number in range(len(files))], form, examples, rejected
        )


def _encode(number: int, file: str, form: Form, work: Path) -> None:
    """Encodes a file into a folder, which appears by a rename: Beam may repeat an element."""
    with TemporaryDirectory(dir=work) as made:
        done = Path(made, "done")
        for folder in split_folders(form, done):
            folder.mkdir(parents=True)
        written = [write_piece(piece, form, done, done) for piece in read_pieces([Path(file)])]
        for at, piece in enumerate(written):
            (done / REJECTIONS.format(at)).write_text(piece.rejections.to_json())
            np.save(done / KEYS.format(at), piece.keys, allow_pickle=False)
        try:
            done.rename(_folder(work, number))
        except OSError:  # another worker was faster
            if not _folder(work, number).is_dir():
                raise


def _folder(work: Path, number: int) -> Path:
    return work / f"{number:05d}"


def _gather(
    done: Sequence[Path], form: Form, examples: Path, rejected: Path
) -> tuple[Rejections, int]:
    """Collects the files under the names that a single process would give them."""
    found = [(folder, at, piece) for folder in done for at, piece in enumerate(_written(folder))]
    rejections = Rejections()
    with Distinct() as keys:
        for number, (folder, at, written) in enumerate(found):
            rejections.merge(written.rejections)
            keys.add(written.keys)
            _move(folder, at, number, len(found), form, examples, rejected)
        if not found:  # a split without a file could not be read
            write_piece(Piece(0, "", 1, ()), form, examples, rejected)
            _move(examples, 0, 0, 1, form, examples, rejected)
        return rejections, keys.repeated()


def _written(folder: Path) -> Iterator[Written]:
    """Yields the results of the pieces of a file, in order."""
    for at in range(len(list(folder.glob(KEYS.format("*"))))):
        told = (folder / REJECTIONS.format(at)).read_text()
        keys = np.load(folder / KEYS.format(at), allow_pickle=False)
        yield Written(Rejections.from_json(told), keys)


def _move(
    source: Path, at: int, number: int, total: int, form: Form, examples: Path, rejected: Path
) -> None:
    """Moves the files of a piece, which is number `at` in its own file, and `number` in total."""
    pairs = zip(split_folders(form, source), split_folders(form, examples), strict=True)
    for theirs, ours in pairs:
        (theirs / file_name(at, form)).rename(ours / file_name(number, form, total))
    if (rows := source / aside_name(at)).exists():
        rejected.mkdir(parents=True, exist_ok=True)
        rows.rename(rejected / aside_name(number))
