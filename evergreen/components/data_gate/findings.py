"""What the data gate finds: a finding's form, rows that were refused, empty splits."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from evergreen.components.data_gate.counting import MAX_EXAMPLES, MAX_VALUES
from evergreen.components.data_gate.reading import shorten


class Finding(BaseModel):
    """Something that a person should know of a span.

    Attributes:
        feature: The feature; empty where the whole data set is meant.
        kind: TFDV's name of the anomaly, or `ROWS_REFUSED`, `SPLIT_EMPTY`, `DRIFT`.
        description: What was expected, and what was found.
        count: The rows concerned.
        rows: All rows that were looked at.
        values: A few of the values concerned.
        refuses: Whether the span is refused for it.
        examples: Up to three of the rows concerned, as text by column.
    """

    model_config = ConfigDict(frozen=True)

    feature: str
    kind: str
    description: str
    count: int
    rows: int
    values: list[str] = []
    refuses: bool = True
    examples: list[dict[str, str]] = []


def from_rejections(report: Mapping[str, Any], rows: int, share: float = 0.0) -> list[Finding]:
    """Turns the rows that ingestion refused into findings, one for each column and reason.

    Args:
        report: The content of ExampleGen's `rejected.json`.
        rows: All rows of the span.
        share: Of the rows: up to so many may be refused, and the span is not.
    """
    refuses = report["rows"] > share * rows
    return [
        Finding(
            feature=reason["column"],
            kind="ROWS_REFUSED",
            description=f"the value {reason['reason']}: {_places(reason['examples'])}",
            count=reason["count"],
            rows=rows,
            refuses=refuses,
            values=_values(reason["examples"]),
            examples=[
                {key: shorten(str(value)) for key, value in example.items()}
                for example in reason["examples"][:MAX_EXAMPLES]
            ],
        )
        for reason in report["reasons"]
    ]


def empty_splits(rows: Mapping[str, int]) -> list[Finding]:
    """Returns a finding for each split without rows: TFDV itself finds nothing wrong there.

    Args:
        rows: Rows by split.
    """
    return [
        Finding(
            feature="",
            kind="SPLIT_EMPTY",
            description=f"expected rows in each split; found none in {split}: "
            "there are too few, or keys that repeat",
            count=0,
            rows=sum(rows.values()),
        )
        for split, count in rows.items()
        if count == 0
    ]


def _values(examples: list[dict[str, str | int]]) -> list[str]:
    return list(dict.fromkeys(shorten(str(example["value"])) for example in examples))[:MAX_VALUES]


def _places(examples: list[dict[str, str | int]]) -> str:
    places = [f"{example['file']} row {example['row']}" for example in examples[:MAX_EXAMPLES]]
    return ", ".join(places) + (", ..." if len(examples) > len(places) else "")
