"""Makes the checks of the validator's report."""

import math
from collections.abc import Iterable, Sequence

from evergreen.runs.reports.serving import Check

SHOWN = 3  # faults in one line


def within(criterion: str, value: float | None, limit: float, detail: str = "") -> Check:
    """Checks a value against an upper limit; a missing value does not pass."""
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
    """Checks that there are no faults; names the first few."""
    found = list(faults)
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return within(criterion, len(found), 0, "; ".join(found[:SHOWN]) + more)


def compatible(changes: Sequence[str], version: int, may_break: int | None) -> Check:
    """Checks that no client of the serving version breaks, or that the break is declared.

    Args:
        changes: The breaking changes.
        version: The serving version.
        may_break: The version whose clients may break, as declared.
    """
    check = none_of(f"clients of version {version} can go on", changes)
    if check.passed:
        return check
    if may_break == version:
        declared = f"declared by may_break={version}: {check.detail}"
        return check.model_copy(update={"passed": True, "detail": declared})
    ask = f"{check.detail}. If all of them are ready for it, declare may_break={version}"
    return check.model_copy(update={"detail": ask})
