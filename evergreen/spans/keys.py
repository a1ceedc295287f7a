"""Stable row keys: the same row has the same key in any file, format and order.

Canonical form of a row. Each column that is not null gives the name and the value as text; the
pairs are sorted by name and written as netstrings (`length in bytes:text,`), so no value can be
mistaken for another's end. A null, and so a column that is absent, gives nothing; an empty string
gives `0:,`.

Canonical text of a value. Numbers, and text that is a number in JSON's notation, are written alike,
since a CSV file does not distinguish them: an integer as its digits; anything with a point or an
exponent as the double nearest to it, in the shortest form that reads back as that double, or as
digits if it is whole (`3`, `3.0`, `3e0` -> `3`; `-0.0` -> `0`; `12.450` -> `12.45`). Other text is
kept byte for byte (`007` and ` 3` are not JSON numbers). Other types use Arrow's cast to text; in
bytes, invalid UTF-8 is escaped by backslashes; nested values use Python's `repr`.

Key of a row. SHA-256 of the canonical form, followed by `#` and the number of identical rows before
it if there are any; the first 32 hexadecimal digits. So identical rows have different keys, and
reordering a table keeps its set of keys.
"""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.errors import DataError

KEY_DIGITS = 32

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_BATCH_ROWS = 65_536


def add_row_keys(table: pa.Table, key_column: str) -> pa.Table:
    """Appends a column of stable row keys.

    Args:
        table: Rows to key; column names must be distinct.
        key_column: Name of the new column.

    Returns:
        The table with one more column, string of 32 hexadecimal digits, all distinct.

    Raises:
        DataError: The table already has a column of that name.
    """
    if key_column in table.column_names:
        raise DataError(
            f"the table already has a column {key_column!r}",
            hint="Keep its keys, or choose another name for the key column.",
        )
    seen: Counter[bytes] = Counter()
    keys = [_key(row, seen) for row in _canonical_rows(table)]
    return table.append_column(key_column, pa.array(keys, pa.string()))


def _key(row: bytes, seen: Counter[bytes]) -> str:
    digest = hashlib.sha256(row)
    content = digest.digest()
    if seen[content]:
        digest.update(b"#%d" % seen[content])
    seen[content] += 1
    return digest.hexdigest()[:KEY_DIGITS]


def _canonical_rows(table: pa.Table) -> Iterator[bytes]:
    nothing = pa.scalar(b"", pa.large_binary())
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        columns = [_cells(name, batch.column(name)) for name in sorted(table.column_names)]
        yield from pc.binary_join_element_wise(*columns, nothing).to_pylist()


def _cells(name: str, values: pa.Array) -> pa.Array:
    """Returns the column's part of each canonical row, converting each distinct value once."""
    encoded = _as_text(values).dictionary_encode()
    prefix = _netstring(name)
    cells = [prefix + _netstring(canonical_text(text)) for text in encoded.dictionary.to_pylist()]
    return pc.fill_null(pc.take(pa.array(cells, pa.large_binary()), encoded.indices), b"")


def _as_text(values: pa.Array) -> pa.Array:
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([_text(value) for value in values.to_pylist()], pa.string())


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return None if value is None else repr(value)


def _netstring(text: str) -> bytes:
    data = text.encode()
    return b"%d:%s," % (len(data), data)


def canonical_text(text: str) -> str:
    """Returns the canonical form of a value's text; see the module's description."""
    match = _NUMBER.fullmatch(text)
    if not match:
        return text
    if not (match[1] or match[2]):
        return "0" if text == "-0" else text
    number = float(text)
    if not math.isfinite(number):
        return text
    return str(int(number)) if number.is_integer() else repr(number)
