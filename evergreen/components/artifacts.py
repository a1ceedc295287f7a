"""Artifact types of our own."""

from typing import ClassVar

from tfx.types.artifact import Artifact, Property, PropertyType


class RejectedRows(Artifact):
    """Rows that ingestion had to refuse: `rejected.json` with counts and first rows.

    All of them are in `rows-*.parquet`, as they were read: with `rejected_file`, `rejected_row` and
    `rejected_because`. Files are there only for pieces of the span that have such rows.

    Properties:
        rows: How many rows were refused.
    """

    TYPE_NAME = "RejectedRows"
    PROPERTIES: ClassVar[dict[str, Property]] = {"rows": Property(type=PropertyType.INT)}
    rows: int


class DataBlessing(Artifact):
    """The verdict of the data gate on one span: `report.json` with all findings.

    Custom properties: `blessed` (0 or 1), `findings` (how many refuse it), `drifted` (how many
    features are beyond a threshold), `ingest_key`, `series`, `span`, `examples_id`,
    `statistics_id`.
    """

    TYPE_NAME = "DataBlessing"
