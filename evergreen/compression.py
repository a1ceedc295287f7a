"""Compression of the files of ingested examples."""

from enum import StrEnum


class Compression(StrEnum):
    """The compression of a file of examples, which readers recognize by its suffix."""

    NONE = "none"
    GZIP = "gzip"

    @property
    def suffix(self) -> str:
        """The suffix of the names of such files."""
        return ".gz" if self is Compression.GZIP else ""
