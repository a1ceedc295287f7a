"""A column is of a type where every value fits it; a first schema follows."""

from pathlib import Path

import pyarrow as pa
import pytest
from google.protobuf import text_format

from evergreen.quality.columns import coerce
from evergreen.quality.inference import first_schema, kind_of
from evergreen.quality.schema import column_kinds, load_curated


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", None], "INT"),
        (["true", "False"], "INT"),
        ([" 7 "], "INT"),
        (["1.5", "2"], "FLOAT"),
        (["1.0"], "FLOAT"),
        (["1e5", "nan"], "FLOAT"),
        (["00501", "10001"], "BYTES"),
        (["+49301234"], "BYTES"),
        (["0x1F"], "BYTES"),
        (["1_000"], "BYTES"),
        (["12345678901234567890"], "BYTES"),
        (["12345678901234567890", "1.5"], "BYTES"),
        (["1.5", "true"], "BYTES"),
        (["1", "NA"], "BYTES"),
        (["2016-01-01"], "BYTES"),
        (["1e400"], "BYTES"),
        ([None], "BYTES"),
        ([], "BYTES"),
    ],
)
def test_a_column_is_a_number_where_every_value_is_one(values: list, kind: str) -> None:
    assert kind_of(pa.array(values, pa.string())) == kind


def test_a_first_schema_takes_the_rows_that_it_was_made_from(tmp_path: Path) -> None:
    table = pa.table(
        {
            "fare": ["1.5", "NA"] * 40,
            "hour": ["1", "2"] * 40,
            "zip": ["00501", "10001"] * 40,
            "note": [f"n{at}" for at in range(80)],
            "count": pa.array([1, None] * 40),
            'odd "é"\n': ["x"] * 80,
            "empty": pa.array([None] * 80, pa.string()),
        }
    )
    file = tmp_path / "schema.pbtxt"
    file.write_text(first_schema(table, "trips.csv", "trip_id", ["NA"]))
    schema = load_curated(file)
    kinds = column_kinds(schema)
    assert kinds == {
        "trip_id": "BYTES", "fare": "FLOAT", "hour": "INT", "zip": "BYTES", "note": "BYTES",
        "count": "INT", 'odd "é"\n': "BYTES", "empty": "BYTES",
    }  # fmt: skip
    [batch] = table.combine_chunks().to_batches()
    assert not coerce(batch, kinds, ["NA"])[1]
    features = {feature.name: feature for feature in schema.feature}
    assert features["zip"].string_domain.value == ["00501", "10001"]
    assert not features["note"].HasField("string_domain")
    assert features["hour"].presence.min_fraction == 1
    assert features["fare"].presence.min_fraction == 0
    assert features["trip_id"].not_in_environment == ["SERVING"]
    assert "80 rows of trips.csv" in file.read_text()
    assert text_format.MessageToString(schema)
