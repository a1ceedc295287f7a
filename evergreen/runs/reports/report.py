"""The base of the gates' reports: frozen, stored as JSON, read across versions."""

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

FILE = "report.json"


class Part(BaseModel):
    """A part of a report. Fields that a later version has added are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")


class Report(Part):
    """The decision of a gate, with its grounds.

    Attributes:
        node: The id of the gate that writes it.
        blessed: Whether the run may go on.
    """

    node: ClassVar[str]

    blessed: bool

    def write(self, folder: str) -> None:
        """Writes it into the folder of the gate's blessing."""
        Path(folder, FILE).write_text(self.model_dump_json(indent=1), encoding="utf-8")
