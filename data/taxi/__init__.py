"""Chicago taxi trips, 2013 to 2016: the sample that ships with TFX, its spans and its schema."""

from pathlib import Path

KEY_COLUMN = "trip_id"
TIMESTAMP_COLUMN = "trip_start_timestamp"

SCHEMA_PATH = Path(__file__).with_name("schema.pbtxt")
