"""Spans: versioned, immutable slices of a data set, kept in folders.

A span is published once, whole, and never changed; new content for the same span number is a new
version. Its identity is (number, version, SHA-256 of its content).

The modules that need Arrow are imported on first use: the settings need only the names of periods
and formats, and importing Arrow takes half as long as a whole `evergreen runs`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from evergreen.spans.manifest import Format, Interval, Manifest
from evergreen.spans.periods import Period

if TYPE_CHECKING:
    from evergreen.spans.cut import cut_table
    from evergreen.spans.keys import add_row_keys
    from evergreen.spans.landing import land
    from evergreen.spans.layout import (
        Span,
        check_newest,
        list_spans,
        list_versions,
        read_span,
        verify,
    )
    from evergreen.spans.packaged import packaged_file
    from evergreen.spans.publish import publish_version
    from evergreen.spans.selection import format_selection, parse_selection, select

__all__ = [
    "Format",
    "Interval",
    "Manifest",
    "Period",
    "Span",
    "add_row_keys",
    "check_newest",
    "cut_table",
    "format_selection",
    "land",
    "list_spans",
    "list_versions",
    "packaged_file",
    "parse_selection",
    "publish_version",
    "read_span",
    "select",
    "verify",
]
_HOMES = {
    "cut": ("cut_table",),
    "keys": ("add_row_keys",),
    "landing": ("land",),
    "layout": ("Span", "check_newest", "list_spans", "list_versions", "read_span", "verify"),
    "packaged": ("packaged_file",),
    "publish": ("publish_version",),
    "selection": ("format_selection", "parse_selection", "select"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
