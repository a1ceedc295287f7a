"""Spans: versioned, immutable slices of a data set, kept in folders.

A span is published once, whole, and never changed; new content for the same span number is a new
version. Its identity is (number, version, SHA-256 of its content).
"""

from evergreen.spans.keys import add_row_keys
from evergreen.spans.landing import land
from evergreen.spans.layout import Span, list_spans, list_versions, read_span, verify
from evergreen.spans.manifest import Format, Interval, Manifest
from evergreen.spans.periods import Period
from evergreen.spans.publish import publish_version
from evergreen.spans.selection import format_selection, parse_selection, select

__all__ = [
    "Format",
    "Interval",
    "Manifest",
    "Period",
    "Span",
    "add_row_keys",
    "format_selection",
    "land",
    "list_spans",
    "list_versions",
    "parse_selection",
    "publish_version",
    "read_span",
    "select",
    "verify",
]
