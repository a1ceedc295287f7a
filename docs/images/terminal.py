"""Draws what a command prints as a picture of a terminal.

Usage: TTY_COMPATIBLE=1 TTY_INTERACTIVE=0 COLUMNS=80 make run | python docs/images/terminal.py FILE
"""

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 80


def draw(printed: str, title: str) -> str:
    """Returns an SVG of text with ANSI colours; it refers to nothing outside of itself."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    shown = re.sub(r"\x1b\[\?25[lh]", "", printed)  # hides and shows the cursor
    console.print(Text.from_ansi(shown.rstrip()))
    svg = console.export_svg(title=title)
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    home = str(Path(__file__).parents[2])
    Path(sys.argv[1]).write_text(draw(sys.stdin.read().replace(home, "~/evergreen"), "make run"))
