"""Infers the types of columns from all their values, and drafts a schema."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from evergreen.quality.columns import natural_kind, numbers, wholes, without

HEADER = """\
# proto-file: tensorflow_metadata/proto/v0/schema.proto
# proto-message: Schema
#
# Made from {rows} rows of {source}: a first draft. Correct the types, say what may be missing
# (min_fraction), list what is not part of a request (not_in_environment: "SERVING", such as the
# label), and see docs/data.md for domains and for thresholds of drift and skew.

"""
MAX_DOMAIN = 20
OFTEN = 20
"""Rows for each value of a text, from which on its values are taken as complete."""

AN_ID = r"^[ \t]*([+-]?0[0-9]|\+)"
"""Zip codes and phone numbers, which would lose their zeros and signs as numbers."""
TOO_LONG = r"^[ \t]*(-?[0-9]{19,}[ \t]*$|[TtFf])"
"""Numbers with more digits than a double has, and booleans."""
WHOLE = r"^[ \t]*(-?[0-9]+|[Tt]rue|[Ff]alse|TRUE|FALSE)[ \t]*$"


def kind_of(column: pa.Array) -> str:
    """Infers the schema's type of a column of text: `INT`, `FLOAT`, or else `BYTES`.

    Text also includes numbers with leading zeros or a plus, whole numbers beyond 64 bits, which
    would lose digits, and columns without any value. Whole numbers written with a point are
    `FLOAT`.

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


def first_schema(table: pa.Table, source: str, key: str, missing: Collection[str]) -> str:
    """Returns a schema that fits the rows, as text, for a person to correct.

    Args:
        table: The rows; columns of text get the type of all their values.
        source: The origin of the rows, in words.
        key: The column with the row's key, which is text, always present, and not in requests.
        missing: Texts that stand for a missing value.
    """
    schema = schema_pb2.Schema(default_environment=["TRAINING", "SERVING"])
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    for name, column in ({key: pa.nulls(0, pa.string())} | columns).items():
        present = without(column, missing)
        feature = schema.feature.add(name=name)
        feature.value_count.min = feature.value_count.max = 1
        feature.presence.min_count = 1
        if name == key:
            feature.type, feature.presence.min_fraction = schema_pb2.BYTES, 1
            feature.not_in_environment.append("SERVING")
            continue
        if not present.null_count:
            feature.presence.min_fraction = 1
        is_text = pa.types.is_string(present.type)
        kind = kind_of(present) if is_text else natural_kind(present.type)
        feature.type = schema_pb2.FeatureType.Value(kind)
        if kind == "FLOAT":
            feature.float_domain.disallow_nan = feature.float_domain.disallow_inf = True
        values = present.drop_null()
        if kind == "BYTES" and is_text and 0 < len(values) >= OFTEN * len(values.unique()):
            feature.string_domain.value.extend(
                sorted(values.unique().to_pylist())[: MAX_DOMAIN + 1]
            )
            if len(feature.string_domain.value) > MAX_DOMAIN:
                feature.ClearField("string_domain")
        if present.null_count == len(present):
            feature.presence.min_count = 0
    body = text_format.MessageToString(schema, as_utf8=True)
    return HEADER.format(rows=table.num_rows, source=source) + body
