"""Rows that cannot become examples: counted, shown, and written to separate files."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Self, TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.quality.columns import Refusal

REPORT = "rejected.json"
MAX_EXAMPLES = 20


def aside_name(number: int) -> str:
    """Returns the name of the file for the refused rows of a piece."""
    return f"rows-{number:05d}.parquet"


class RefusedValue(TypedDict):
    """A value that was refused, and its place: the file and the number of the row in it."""

    file: str
    row: int
    value: str


class Refused(TypedDict):
    """The values of a column that were refused for one reason: how many, and the first few."""

    column: str
    reason: str
    count: int
    examples: list[RefusedValue]


class RejectedReport(TypedDict):
    """The content of `rejected.json`: how many rows were refused, and why."""

    rows: int
    reasons: list[Refused]


@dataclass
class Rejections:
    """Refused values: the number of each kind, and the first few with their positions.

    Attributes:
        rows: The number of refused rows.
    """

    rows: int = 0
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _examples: dict[tuple[str, str], list[RefusedValue]] = field(default_factory=dict)

    def add(self, file: str, first_row: int, refusals: Sequence[Refusal]) -> None:
        """Adds the refusals of a batch whose first row is number `first_row` of the file."""
        self.rows += len({refusal.row for refusal in refusals})
        for refusal in refusals:
            place: RefusedValue = {
                "file": file,
                "row": first_row + refusal.row,
                "value": refusal.value,
            }
            self._add((refusal.column, refusal.reason), 1, [place])

    def merge(self, others: "Rejections") -> None:
        """Adds the refusals of later rows."""
        self.rows += others.rows
        for reason, count in others._counts.items():
            self._add(reason, count, others._examples[reason])

    def to_json(self) -> str:
        """Serializes it for another process; the inverse of `from_json`."""
        counted = [(*key, count, self._examples[key]) for key, count in self._counts.items()]
        return json.dumps({"rows": self.rows, "reasons": counted})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parses the refusals that another process has found, in the same order."""
        told = json.loads(text)
        found = cls(told["rows"])
        for column, reason, count, places in told["reasons"]:
            found._add((column, reason), count, places)
        return found

    def report(self) -> RejectedReport:
        """Returns the content of `rejected.json`."""
        reasons: list[Refused] = [
            {"column": column, "reason": reason, "count": count, "examples": self._examples[key]}
            for key, count in self._counts.most_common()
            for column, reason in [key]
        ]
        return {"rows": self.rows, "reasons": reasons}

    def _add(self, reason: tuple[str, str], count: int, places: list[RefusedValue]) -> None:
        self._counts[reason] += count
        shown = self._examples.setdefault(reason, [])
        shown += places[: MAX_EXAMPLES - len(shown)]


class Aside:
    """A Parquet file of one piece's refused rows and the reasons, created when needed.

    It has the rows' columns, and `rejected_file`, `rejected_row` and `rejected_because`.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self._path = folder / aside_name(number)
        self._tables: list[pa.Table] = []

    def add(
        self, file: str, first_row: int, batch: pa.RecordBatch, refusals: Sequence[Refusal]
    ) -> None:
        """Adds the refused rows of a batch."""
        if not refusals:
            return
        ordered = sorted(refusals, key=attrgetter("row"))
        because = {
            row: "; ".join(f"{rejection.column} {rejection.reason}" for rejection in of_row)
            for row, of_row in groupby(ordered, key=attrgetter("row"))
        }
        rows = pa.Table.from_batches([batch]).take(pa.array(because))
        told = {
            "rejected_file": pa.array([file] * len(because)),
            "rejected_row": pa.array([first_row + row for row in because]),
            "rejected_because": pa.array(because.values()),
        }
        for name, column in told.items():
            rows = rows.append_column(name, column)
        self._tables.append(rows)

    def close(self) -> None:
        """Writes the file, if there are rows."""
        if self._tables:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.concat_tables(self._tables), self._path)
