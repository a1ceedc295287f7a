"""The manifest of a span: describes a version, so that it can be found and verified.

It does not depend on the time or place of writing: equal content gives equal bytes.
"""

import hashlib
import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from evergreen.errors import DataError

MANIFEST_NAME = "manifest.json"
MAX_SPAN = 99_999  # the folder name has five digits
MAX_VERSION = 99  # the folder name has two digits

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Format(StrEnum):
    """File format of a span; the value is also the file suffix."""

    PARQUET = "parquet"
    CSV = "csv"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Record):
    """Two moments with a time zone, written as ISO-8601 in UTC.

    The field that holds the interval says whether `end` belongs to it.
    """

    start: AwareDatetime
    end: AwareDatetime


class DataFile(_Record):
    """One data file: its name inside the version folder, its size and its SHA-256."""

    name: str = Field(pattern=r"^part-\d{5}\.(parquet|csv)$")
    bytes: int = Field(ge=1)
    sha256: Digest


class Column(_Record):
    """A column's name and its Arrow type, for example `double`. CSV text is always `string`."""

    name: str
    type: str


class Manifest(_Record):
    """The content of a version folder.

    Attributes:
        format_version: Version of this document's layout.
        span: Span number, from 1.
        version: Version of the span, from 1.
        format: Format of every data file.
        sha256: Identity of the content, see `content_digest`.
        rows: Number of rows in all files.
        files: The data files, in reading order.
        columns: The columns, in file order.
        time_range: Earliest and latest timestamp, both included; None if not known.
        period: Calendar period that the span stands for, `end` excluded; None if it has none.
    """

    format_version: Literal[1] = 1
    span: int = Field(ge=1, le=MAX_SPAN)
    version: int = Field(ge=1, le=MAX_VERSION)
    format: Format
    sha256: Digest
    rows: int = Field(ge=1)
    files: tuple[DataFile, ...] = Field(min_length=1)
    columns: tuple[Column, ...] = Field(min_length=1)
    time_range: Interval | None
    period: Interval | None

    @model_validator(mode="after")
    def _digest_matches_files(self) -> Self:
        if self.sha256 != content_digest(self.files):
            raise ValueError("sha256 is not the digest of the listed files")
        return self

    def to_json(self) -> str:
        """Returns the document as it is stored."""
        return self.model_dump_json(indent=2) + "\n"


def content_digest(files: Sequence[DataFile]) -> str:
    """Returns the identity of a content: SHA-256 of the JSON list of [file name, file SHA-256].

    The list is in reading order, and its JSON has no white space.
    """
    pairs = [[file.name, file.sha256] for file in files]
    return hashlib.sha256(json.dumps(pairs, separators=(",", ":")).encode()).hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Reads and checks a manifest file.

    Raises:
        DataError: The file is missing, unreadable, or not a valid manifest.
    """
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}",
            hint="A folder without a manifest is an unfinished span: publish it again.",
        ) from error
    except ValidationError as error:
        raise DataError(
            f"{path} is not a valid span manifest: {_first_problem(error)}",
            hint="Do not edit manifests; publish the span again to get a new version.",
        ) from error


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in problem["loc"])
    return f"{field}: {problem['msg']}" if field else str(problem["msg"])
