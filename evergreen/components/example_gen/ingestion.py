"""Converts the files of a span to split examples, in this process or one per core."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import chain, islice
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from threading import Thread

from evergreen.components.example_gen.reader import Piece, read_pieces
from evergreen.components.example_gen.rejects import Rejections
from evergreen.components.example_gen.splits import Distinct
from evergreen.components.example_gen.writer import (
    Form,
    Written,
    file_name,
    split_folders,
    write_piece,
)

Write = Callable[[Piece], Written]


def ingest(
    files: Sequence[Path], form: Form, examples: Path, rejected: Path, workers: int = 1
) -> tuple[Rejections, int]:
    """Reads data files, and writes their good rows to the splits' files in a folder.

    Files, rows and their order are the same with any number of workers.

    Args:
        files: CSV or Parquet files, in order.
        form: The form of the examples.
        examples: The folder for one folder per split, TFRecords of `tf.Example`s.
        rejected: The folder for refused rows.
        workers: Processes that encode; only one is used for little data.

    Returns:
        The refused rows, and the number of rows whose key an earlier row has.
    """
    for folder in split_folders(form, examples):
        folder.mkdir(parents=True, exist_ok=True)
    write = partial(write_piece, form=form, examples=examples, rejected=rejected)
    rejections, pieces = Rejections(), 0
    with Distinct() as keys:
        for written in _write_all(read_pieces(files), write, workers):
            rejections.merge(written.rejections)
            keys.add(written.keys)
            pieces += 1
        if not pieces:
            write(Piece(0, "", 1, ()))  # a split without a file could not be read
        _name(form, examples, max(pieces, 1))
        return rejections, keys.repeated()


def _write_all(pieces: Iterator[Piece], write: Write, workers: int) -> Iterable[Written]:
    first = list(islice(pieces, 2))
    everything = chain(first, pieces)
    if workers == 1 or len(first) < 2:  # noqa: PLR2004
        return map(write, everything)
    return _in_processes(everything, write, workers)


def _in_processes(pieces: Iterable[Piece], write: Write, workers: int) -> Iterator[Written]:
    """Yields results in order; reads at most one piece more than there are processes."""
    # spawn: other threads of this process may hold locks, which a fork would copy.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as pool:
        waiting: deque[Future[Written]] = deque()
        for piece in pieces:
            waiting.append(pool.submit(write, piece))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _end_with_parent() -> None:
    """Issue: a worker of Python 3.11 whose parent was killed waits forever.

    Solution: a thread that waits for the end of the parent, and ends the worker.
    """
    parent = parent_process()
    assert parent

    def wait() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    Thread(target=wait, name="parent", daemon=True).start()


def _name(form: Form, examples: Path, pieces: int) -> None:
    for folder in split_folders(form, examples):
        for number in range(pieces):
            (folder / file_name(number, form)).rename(folder / file_name(number, form, pieces))
