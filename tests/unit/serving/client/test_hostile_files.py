"""Rows of hostile files pass through to the letter, or are refused in words."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from evergreen.errors import DataError
from evergreen.serving.client import files
from evergreen.serving.client.columns import from_rows
from evergreen.serving.client.inputs import serialize
from tests.fuzzing import cases
from tests.unit.spans.test_hostile_files import csv_file, parquet_file

DTYPES = {"fare": np.dtype("f4"), "hour": np.dtype("i8"), "time": np.dtype("u1")}


def json_file(draw: random.Random) -> bytes:
    """Lines of JSON, and of what is nearly JSON."""
    cells = ["1", "1.5", "1e400", '"x"', "null", "true", "[1]", "{}", "NaN", "1" * 90, '"\\ud800"']
    cells += ["18446744073709551616", "", "'x'", '"\\u0000"', "[[[[1]]]]", '[1, "x"]', "-0", "01"]
    names = ['"fare"', '"hour"', '"fare"', '""', "fare"]
    rows = []
    for _ in range(draw.randrange(4)):
        pairs = [f"{draw.choice(names)}: {draw.choice(cells)}" for _ in range(draw.randrange(4))]
        rows.append(f"{{{', '.join(pairs)}}}")
    return draw.choice(["\n", ",", "\r\n", "\n\n"]).join(rows).encode(errors="replace")


MAKES = {"csv": csv_file, "parquet": parquet_file, "jsonl": json_file}


def tried(action: Callable[..., Any], *arguments: object) -> Any:
    """What comes out; the error, if it is refused in words."""
    try:
        return action(*arguments)
    except DataError as error:
        return error


def comparable(table: pa.Table) -> pa.Table:
    """The table with floats as text: NaN is not NaN."""
    for at, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            table = table.set_column(at, field.name, table[at].cast(pa.string()))
    return table


@pytest.mark.fuzz
@pytest.mark.parametrize("suffix", MAKES)
def test_hostile_rows_pass_through_or_are_refused(tmp_path: Path, suffix: str) -> None:
    draw, read = random.Random(suffix), 0
    for _ in range(cases(400)):
        (tmp_path / f"rows.{suffix}").write_bytes(data := MAKES[suffix](draw))
        rows = tried(files.read, tmp_path / f"rows.{suffix}")
        if not isinstance(rows, pa.Table):
            continue
        read += 1
        for target in ("csv", "parquet", "jsonl"):
            output = tmp_path / f"out.{target}"
            output.unlink(missing_ok=True)
            if isinstance(tried(files.write, rows, output), DataError) or target != suffix:
                continue
            if suffix != "jsonl":
                assert comparable(files.read(output)).equals(comparable(rows)), data
        for known in ((), DTYPES):
            sent = tried(files.to_ask, rows, known, ("",))
            if isinstance(sent, pa.Table) and sent.num_columns:
                tried(lambda rows: serialize(from_rows(rows), DTYPES), sent)
    assert read > cases(400) / 20
