"""Tells what a column of text holds, where every value fits."""

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.quality.columns import numbers, wholes

AN_ID = r"^[ \t]*([+-]?0[0-9]|\+)"
"""Zip codes and phone numbers: as numbers they would lose their zeros and signs."""
TOO_LONG = r"^[ \t]*(-?[0-9]{19,}[ \t]*$|[TtFf])"
"""Among numbers: digits that a double does not keep, and booleans."""
WHOLE = r"^[ \t]*(-?[0-9]+|[Tt]rue|[Ff]alse|TRUE|FALSE)[ \t]*$"


def kind_of(column: pa.Array) -> str:
    """Returns the schema's type of a column of text: `INT`, `FLOAT`, or else `BYTES`.

    Text are also numbers with leading zeros or a plus, whole numbers beyond 64 bits, which would
    lose digits, and a column without any value. Whole numbers written with a point are `FLOAT`.

    Args:
        column: Strings, shape [n]; null where a value is missing.
    """
    if column.null_count == len(column) or _any(column, AN_ID):
        return "BYTES"
    if not _any(column, WHOLE, wanted=False):
        return "BYTES" if wholes(column).refused else "INT"
    return "BYTES" if numbers(column).refused or _any(column, TOO_LONG) else "FLOAT"


def _any(column: pa.Array, pattern: str, wanted: bool = True) -> bool:
    found = pc.equal(pc.match_substring_regex(column, pattern), wanted)
    return pc.any(found).as_py() is True
