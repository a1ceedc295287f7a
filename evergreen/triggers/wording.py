"""What triggers did, in words."""

from datetime import datetime
from typing import assert_never

from evergreen.runs.plan import Outcome
from evergreen.triggers.decision import Decision, Verdict
from evergreen.triggers.log import Decided, Ended, Entry, Noticed, Since, Tried

MEANINGS = {
    Outcome.DATA_REFUSED: "stopped by the data gate; not tried again until the data changes",
    Outcome.INTERRUPTED: "given up: the code has changed since it was planned; decided again",
}


def line(entry: Entry) -> str:
    """An entry of the log in a line."""
    match entry:
        case Noticed(event=event):
            return f"event {event.id}: {event.reason}"
        case Since():
            return f"{entry.schedule} holds from now on"
        case Decided(decision=decision):
            return f"{', '.join(decision.events)}: {decided(decision)}"
        case Tried():
            return f"run {entry.run_id} {entry.problem}"
        case Ended():
            return f"run {entry.run_id}: {MEANINGS.get(entry.outcome, entry.outcome)}"
        case _:
            assert_never(entry)


def decided(decision: Decision) -> str:
    """A decision in words."""
    if decision.verdict is Verdict.START:
        return f"{decision.why}, run {decision.run_id}; {decision.window}"
    return f"{decision.verdict}: {decision.why}: {decision.reason}"


def when(entry: Entry) -> datetime:
    """When an entry was made."""
    return entry.event.time if isinstance(entry, Noticed) else entry.at
