"""A check: one line of the report."""

import math
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

SHOWN = 3  # faults in one line


class Check(BaseModel):
    """The verdict on one criterion.

    Attributes:
        criterion: What was asked, in words.
        passed: Whether it holds.
        value: What was measured or counted; None if there is no finite number.
        limit: What the value must not exceed or, where things are counted, be.
        detail: What is wrong, or worth knowing.
    """

    model_config = ConfigDict(frozen=True)

    criterion: str
    passed: bool
    value: float | None = None
    limit: float | None = None
    detail: str = ""


def within(criterion: str, value: float | None, limit: float, detail: str = "") -> Check:
    """Checks a value against what it must not exceed; a value that is missing does not pass."""
    known = value is not None and math.isfinite(value)
    passed = value is not None and known and value <= limit
    return Check(
        criterion=criterion,
        passed=passed,
        value=value if known else None,
        limit=limit,
        detail=detail,
    )


def none_of(criterion: str, faults: Iterable[str]) -> Check:
    """Checks that there are no faults; the first few are named."""
    found = list(faults)
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return within(criterion, len(found), 0, "; ".join(found[:SHOWN]) + more)


def compatible(changes: Sequence[str], version: int, may_break: int | None) -> Check:
    """Checks that no client of the serving version breaks, or that it is declared.

    Args:
        changes: What breaks them.
        version: The serving version.
        may_break: The version that is declared to break.
    """
    check = none_of(f"clients of version {version} can go on", changes)
    if check.passed:
        return check
    if may_break == version:
        declared = f"declared by may_break={version}: {check.detail}"
        return check.model_copy(update={"passed": True, "detail": declared})
    ask = f"{check.detail}. If all of them are ready for it, declare may_break={version}"
    return check.model_copy(update={"detail": ask})
