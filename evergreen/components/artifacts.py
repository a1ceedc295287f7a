"""Artifact types of Evergreen."""

from typing import ClassVar

from tfx.types.artifact import Artifact, Property, PropertyType


class RejectedRows(Artifact):
    """Rows that ingestion refused: `rejected.json` with counts and first rows.

    All of them are in `rows-*.parquet`, as they were read: with `rejected_file`, `rejected_row` and
    `rejected_because`. Only pieces of the span with such rows have a file.

    Properties:
        rows: The number of refused rows.
    """

    TYPE_NAME = "RejectedRows"
    PROPERTIES: ClassVar[dict[str, Property]] = {"rows": Property(type=PropertyType.INT)}
    rows: int


class DataBlessing(Artifact):
    """The verdict of the data gate on one span: `report.json` with all findings.

    Custom properties: `blessed` (0 or 1), `findings` (the number that refuse it), `drifted` (the
    number of features beyond a threshold), `ingest_key`, `series`, `span`, `examples_id`,
    `statistics_id`.
    """

    TYPE_NAME = "DataBlessing"
