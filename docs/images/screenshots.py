"""Takes the pictures of a report that the documentation shows; needs Chromium.

Usage: python docs/images/screenshots.py var/reports/RUN_ID.html
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HERE = Path(__file__).parent
OTHERS = "section:not(#{}) {{ display: none }}"


@dataclass(frozen=True)
class Picture:
    """A part of the page as it is on some screen.

    Attributes:
        name: Of the file.
        size: Of the window, in pixels.
        section: The one that is shown; all of them, if empty.
        dark: Whether the reader prefers dark pages.
    """

    name: str
    size: tuple[int, int]
    section: str = ""
    dark: bool = False


PICTURES = (
    Picture("report-desktop.png", (1280, 1330)),
    Picture("report-dark.png", (1280, 1330), "model", dark=True),
    Picture("report-phone.png", (390, 1330)),
)


def take(browser: str, page: Path, picture: Picture) -> None:
    """Writes a picture of a page beside this script."""
    with tempfile.NamedTemporaryFile("w", suffix=".html") as shown:
        shown.write(page.read_text())
        if picture.section:  # a headless Chromium does not scroll
            shown.write(f"<style>body > :not(main), {OTHERS.format(picture.section)}</style>")
        shown.flush()
        _shoot(browser, Path(shown.name), picture)


def _shoot(browser: str, page: Path, picture: Picture) -> None:
    scheme = 0 if picture.dark else 1  # Blink's PreferredColorScheme
    subprocess.run(  # noqa: S603
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--blink-settings=preferredColorScheme={scheme}",
            f"--window-size={','.join(map(str, picture.size))}",
            f"--screenshot={HERE / picture.name}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is installed")
    for one in PICTURES:
        take(found, Path(sys.argv[1]), one)
