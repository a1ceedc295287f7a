"""The trigger for new data: a complete span has landed."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from evergreen.settings.triggers import NewDataSettings
from evergreen.spans import Span, list_spans
from evergreen.triggers.event import SpanId, TriggerEvent


class NewData:
    """Fires for each complete version of a span in the folder of the spans.

    A version appears there by one rename, with its manifest; folders without a manifest are
    ignored.
    """

    name = "new-data"

    def __init__(self, settings: NewDataSettings, root: Path) -> None:
        self._settings = settings
        self._root = root

    def poll(self, now: datetime) -> Iterator[TriggerEvent]:
        """Yields the newest version of each span."""
        for span in list_spans(self._root):
            name = f"span {span.number}" + (f", version {span.version}" * (span.version > 1))
            yield TriggerEvent.of(
                self.name,
                f"{self.name}:{self._root}:{span.number}:{span.version}:{span.sha256}",
                now,
                f"{name} has landed",
                evidence={"rows": str(span.rows), "sha256": span.sha256},
                spans=(identity(span),),
                train=self._settings.train,
            )

    def due(self, now: datetime) -> datetime | None:
        """Returns None: it does not depend on the clock."""
        return None


def identity(span: Span) -> SpanId:
    """Returns the identity of a landed span."""
    return SpanId(number=span.number, version=span.version, sha256=span.sha256)
