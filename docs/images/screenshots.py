"""Takes the pictures of reports and of the dashboard that the documentation shows; needs Chromium.

Usage: python docs/images/screenshots.py var/reports/RUN_ID.html
       python docs/images/screenshots.py http://127.0.0.1:8520 RUN_ID VERSION
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HERE = Path(__file__).parent
COMMON = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync")
OTHERS = "section:not(#{}) {{ display: none }}"


@dataclass(frozen=True)
class Picture:
    """A part of the page as it is on some screen.

    Attributes:
        name: Of the file.
        size: Of the window, in pixels.
        section: The one that is shown; all of them, if empty.
        path: Of the dashboard's page; `{run}` and `{version}` are those to show.
        dark: Whether the reader prefers dark pages.
    """

    name: str
    size: tuple[int, int]
    section: str = ""
    dark: bool = False
    path: str = ""


PICTURES = (
    Picture("report-desktop.png", (1280, 1330)),
    Picture("report-dark.png", (1280, 1330), "model", dark=True),
    Picture("report-phone.png", (390, 1330)),
)

PAGES = (
    Picture("dashboard-overview.png", (1280, 940), path="/"),
    Picture("dashboard-phone.png", (390, 1330), path="/", dark=True),
    Picture("dashboard-run.png", (1280, 1330), path="/runs/{run}"),
    Picture("dashboard-lineage.png", (1280, 1000), path="/lineage/models/{version}"),
    Picture("dashboard-data.png", (1280, 900), path="/data/statistics?one=3&other=4"),
)


def take(browser: str, page: Path, picture: Picture) -> None:
    """Writes a picture of a page beside this script."""
    with tempfile.NamedTemporaryFile("w", suffix=".html") as shown:
        shown.write(page.read_text())
        if picture.section:  # a headless Chromium does not scroll
            shown.write(f"<style>body > :not(main), {OTHERS.format(picture.section)}</style>")
        shown.flush()
        _shoot(browser, Path(shown.name).as_uri(), picture)


def _shoot(browser: str, url: str, picture: Picture) -> None:
    scheme = 0 if picture.dark else 1  # Blink's PreferredColorScheme
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        subprocess.run(  # noqa: S603
            [
                browser,
                *COMMON,
                *QUIET,
                f"--user-data-dir={profile}",
                f"--blink-settings=preferredColorScheme={scheme}",
                f"--window-size={','.join(map(str, picture.size))}",
                f"--screenshot={HERE / picture.name}",
                url,
            ],
            check=True,
            capture_output=True,
        )


if __name__ == "__main__":
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is installed")
    if sys.argv[1].startswith("http"):
        for shot in PAGES:
            path = shot.path.format(run=sys.argv[2], version=sys.argv[3])
            _shoot(found, sys.argv[1] + path, shot)
    else:
        for shot in PICTURES:
            take(found, Path(sys.argv[1]), shot)
