"""Penguins of three species near Palmer Station, Antarctica, 2007 to 2009, by palmerpenguins."""

from pathlib import Path

KEY_COLUMN = "penguin_id"
TIMESTAMP_COLUMN = "date_egg"

SCHEMA_PATH = Path(__file__).with_name("schema.pbtxt")
