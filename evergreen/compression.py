"""How the files of ingested examples are compressed."""

from enum import StrEnum


class Compression(StrEnum):
    """Of a file of examples; readers tell by the suffix."""

    NONE = "none"
    GZIP = "gzip"

    @property
    def suffix(self) -> str:
        """What the names of such files end in."""
        return ".gz" if self is Compression.GZIP else ""
