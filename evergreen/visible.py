"""Texts from outside, as a terminal may show them.

Names, reasons, paths, values and errors may hold anything: markup, control characters that would
drive the terminal, or a megabyte of text.
"""

from rich.markup import escape

MOST = 300
"""Characters of one text."""
WRITTEN = {"\N{NO-BREAK SPACE}": " "}
"""What is not printable, and harmless."""


def visible(text: str, most: int = MOST) -> str:
    """Returns a text that a terminal takes as it is: visible, in one line, not too long."""
    text = text if len(text) <= most else f"{text[:most]}..."
    # Not printable are line ends and escapes, but also marks that turn the direction of writing.
    return "".join(
        one if one.isprintable() else WRITTEN.get(one) or one.encode("unicode_escape").decode()
        for one in text
    )


def plain(value: object, most: int = MOST) -> str:
    """Returns a visible text that rich takes as it is, too."""
    return escape(visible(str(value), most))
